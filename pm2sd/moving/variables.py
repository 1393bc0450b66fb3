"""Which of a process's variables are the app's own.

PM2 keeps the whole environment of the shell that started an app, and adds to it; the app's own
variables are among these, unmarked. They are told apart by name and by comparing with the
environment that the user logs in to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pm2sd.ecosystem.options.lists import Environment
from pm2sd.ecosystem.options.types import Refused
from pm2sd.moving.plain_nodes import node_of


class Why(StrEnum):
    """Why a variable is left out."""

    PM2 = "set by PM2 itself"
    SESSION = "of the terminal session that called pm2"
    SHELL = "the same in your login environment"
    SYSTEMD = "every unit gets it from systemd, or from pm2sd when it is applied"
    IMPOSSIBLE = "no program could be given it"


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of one process, told apart; ``left_out`` says why, by name."""

    own: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    left_out: Mapping[str, Why]


# lib/Common.js, lib/API.js, lib/God.js and lib/binaries/CLI.js of PM2; node's cluster module; and
# the options, which PM2 puts into the environment of what it starts: pm2 called from there.
_PM2 = re.compile(
    r"PM2_(?!SERVE_).*|unique_id|NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE|NODE_UNIQUE_ID"
    r"|axm_\w+|pm_(?:id|exec_path|cwd|out_log_path|err_log_path|log_path|pid_path|uptime)"
    r"|exec_interpreter|exec_mode|node_args|instance_var|km_link|vizion|vizion_running|pmx"
    r"|automation|autostart|autorestart|treekill|username|windowsHide|kill_retry_time|merge_logs"
    r"|created_at|restart_time|unstable_restarts|status|node_version|PROCESS_TITLE"
)

_SESSION = re.compile(
    r"_|PWD|OLDPWD|SHLVL|TERM|TERM_.*|COLORTERM|COLUMNS|LINES|COLOR|LS_COLORS|LS_OPTIONS|LESS.*"
    r"|EDITOR|VISUAL|PAGER|MANPATH|INFOPATH|MAIL|HIST.*|PS[1-4]|PROMPT_COMMAND|BASH_.*|ZSH.*"
    r"|HOSTNAME|HOSTTYPE|OSTYPE|MACHTYPE|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|WINDOWID|WINDOWPATH"
    r"|TMUX.*|STY|WINDOW|SUDO_.*|SSH_.*|XDG_.*|DBUS_.*|GPG_.*|GNOME_.*|GTK_.*|KDE_.*|QT_.*"
    r"|DESKTOP_.*|SESSION_MANAGER|LC_TERMINAL.*|VTE_VERSION|WT_.*|WSL.*|VSCODE_.*|INVOCATION_ID"
    r"|JOURNAL_STREAM|MANAGERPID|SYSTEMD_EXEC_PID|NOTIFY_SOCKET|LISTEN_.*|MOTD_SHOWN|DEBUGINFOD_.*"
    r"|NVM_.*|FNM_.*|VOLTA_.*|N_PREFIX|npm_.*|INIT_CWD|NODE|YARN_.*|PNPM_.*|CONDA_.*|PYENV_.*"
    r"|RBENV_.*|SDKMAN_.*|OLDTERM|which_declare|container"
)

# systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager"; PATH is taken
# from the shell that applies.
_GIVEN = {"HOME": "home", "USER": "user", "LOGNAME": "user"}
_TAKEN = frozenset({"PATH", "SHELL"})

# What changes how programs behave and is set in shells for this: kept although the shell has it.
_MEANT = re.compile(
    r"LANG|LANGUAGE|LC_\w+|TZ|PORT|HOST|DEBUG|\w+_ENV|\w+_URL|\w+_URI|NODE_\w+|UV_\w+|PYTHON\w+"
    r"|JAVA_\w+|JDK_\w+|GO\w+|RUBY\w+|GEM_\w+|BUNDLE_\w+|LD_\w+|MALLOC_\w+|SSL_CERT_\w+"
    r"|(?i:\w+_proxy)|PM2_SERVE_\w+"
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET = re.compile(
    r"\w*(?:KEY|KEYS|TOKEN|TOKENS|SECRET|SECRETS|PASSWORD|PASSWD|PASSWORDS|PASSPHRASE|CREDENTIAL"
    r"|CREDENTIALS)|PASS|PWD|AUTH|SALT|PEPPER|DSN|JWT|HMAC"
)
_NOT_SECRET = frozenset(
    {"PUBLIC", "PUBLISHABLE", "FILE", "PATH", "DIR", "NAME", "TTL", "LENGTH", "ALGORITHM", "EXPIRY"}
)
_SECRET_VALUE = re.compile(
    r"\w[\w+.-]*://[^\s/:@]*:[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE KEY", re.ASCII
)


def is_secret(name: str, value: str) -> bool:
    """Whether a variable looks like a secret: by its name, a password in a URL, a private key."""
    words = [word.upper() for word in _WORD.findall(name)]
    by_name = any(map(_SECRET.fullmatch, words)) and not _NOT_SECRET.intersection(words)
    return bool(value) and (by_name or _SECRET_VALUE.search(value) is not None)


def tell_apart(
    env: Mapping[str, str],
    *,
    shell: Mapping[str, str],
    home: str,
    user: str,
    instance_var: str,
    is_python: bool,
) -> Variables:
    """The variables ``env`` of one process.

    ``shell`` is the environment of the user's login, ``home`` and ``user`` what systemd will say;
    ``instance_var`` numbers the instances; PM2 sets PYTHONUNBUFFERED for Python, as pm2sd does.
    """
    given = {name: {"home": home, "user": user}[what] for name, what in _GIVEN.items()}
    injected = {"PYTHONUNBUFFERED": "1"} if is_python else {}
    own: dict[str, str] = {}
    secrets: dict[str, str] = {}
    left_out: dict[str, Why] = {}
    for name, value in env.items():
        why = None
        if name == instance_var or _PM2.fullmatch(name) or injected.get(name) == value:
            why = Why.PM2
        elif name in _TAKEN or given.get(name) == value:
            why = Why.SYSTEMD
        elif _SESSION.fullmatch(name):
            why = Why.SESSION
        elif not _is_carried(name, value):
            why = Why.IMPOSSIBLE
        elif shell.get(name) == value and not _MEANT.fullmatch(name):
            why = Why.SHELL
        if why:
            left_out[name] = why
        elif is_secret(name, value):
            secrets[name] = value
        else:
            own[name] = value
    return Variables(own, secrets, left_out)


def _is_carried(name: str, value: str) -> bool:
    try:
        Environment().parse(node_of({name: value}))
    except Refused:
        return False
    return True
