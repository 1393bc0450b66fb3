"""Why no systemd user manager answers, and the command that mends it."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pm2sd.errors import NoUserManager
from pm2sd.systemd import scope
from pm2sd.systemd.paths import owner, user_runtime_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the machine looks like to a process that found no user manager.

    ``runtime_variable`` is ``XDG_RUNTIME_DIR`` and ``variable_owner`` the uid its directory belongs
    to (None: there is none). ``own_directory`` says whether ``/run/user/UID`` exists and is ours,
    ``own_manager`` whether a manager listens in it. The sockets are those of the directory that was
    tried, if somebody listens on them: systemd 257 leaves a manager's behind. ``error`` is what the
    last attempt to connect said.
    """

    uid: int
    user: str
    booted: bool
    wsl: bool = False
    sudo_user: str | None = None
    runtime_variable: str | None = None
    variable_owner: int | None = None
    own_directory: bool = False
    own_manager: bool = False
    private_socket: bool = False
    bus_socket: bool = False
    linger: bool = False
    error: str = ""


def booted() -> bool:
    """Whether the machine, or container, was booted with systemd: sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def is_starting() -> bool:
    """Whether this user's manager is on its way, as the machine's says."""
    if scope.system or not booted():
        return False
    unit = f"user@{os.getuid()}.service"
    command = ["systemctl", "show", "--property=ActiveState,Job", "--", unit]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    state = shown.get("ActiveState")
    return state == "activating" or (state == "inactive" and bool(shown.get("Job")))


def gather(error: str, environ: Mapping[str, str] = os.environ) -> Facts:
    """The facts about this process and this machine."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    tried = user_runtime_directory(environ)
    own = Path(f"/run/user/{uid}")
    variable = environ.get("XDG_RUNTIME_DIR") or None
    return Facts(
        uid=uid,
        user=user,
        booted=booted(),
        wsl="microsoft" in os.uname().release.lower(),
        sudo_user=environ.get("SUDO_USER") or None,
        runtime_variable=variable,
        variable_owner=owner(variable) if variable else None,
        own_directory=owner(own) == uid,
        own_manager=_listens(own / "systemd" / "private"),
        private_socket=_listens(tried / "systemd" / "private"),
        bus_socket=_listens(tried / "bus"),
        linger=_exists(Path("/var/lib/systemd/linger") / user),
        error=error,
    )


def diagnose(facts: Facts) -> NoUserManager:
    """The first cause that explains the facts; its hint is a command to type."""
    user, uid = facts.user, facts.uid
    if not facts.booted:
        if facts.wsl:
            return NoUserManager(
                "systemd is not running: this WSL was started without it",
                hint="printf '[boot]\\nsystemd=true\\n' | sudo tee -a /etc/wsl.conf, "
                "then in Windows: wsl --shutdown",
            )
        return NoUserManager(
            "systemd is not running here: PID 1 is something else, as in most containers",
            hint="run pm2sd on the host, or in a container that boots systemd: "
            "podman run --systemd=always IMAGE /sbin/init",
        )
    if uid == 0 and facts.sudo_user not in (None, "root") and not facts.own_manager:
        return NoUserManager(
            "pm2sd runs as root through sudo, and root has no user manager",
            hint=f"run pm2sd as {facts.sudo_user}, without sudo",
        )
    elsewhere = facts.runtime_variable not in (None, f"/run/user/{uid}")
    if elsewhere and facts.variable_owner == uid and facts.own_manager:
        return NoUserManager(
            f"no user manager in XDG_RUNTIME_DIR ({facts.runtime_variable}), "
            f"but there is one in /run/user/{uid}",
            hint=f"export XDG_RUNTIME_DIR=/run/user/{uid}",
        )
    if facts.private_socket or facts.bus_socket:
        return _silent(facts)
    if not facts.own_directory and not facts.linger:
        return NoUserManager(
            f"{user} has no user manager: lingering is off and {user} has no login session "
            "(su, sudo and cron make none)",
            hint=f"sudo loginctl enable-linger {user}",
        )
    if not facts.own_directory:
        return NoUserManager(
            f"{user} lingers, but user@{uid}.service is not running",
            hint=f"sudo systemctl start user@{uid}.service",
        )
    return NoUserManager(
        f"/run/user/{uid} exists, but no user manager runs in it "
        f"(systemctl status user@{uid}.service says why)",
        hint=f"sudo systemctl restart user@{uid}.service",
    )


def _silent(facts: Facts) -> NoUserManager:
    """There is a socket, and nobody useful behind it."""
    if facts.private_socket:
        return NoUserManager(
            f"the user manager of {facts.user} does not answer: {facts.error}",
            hint=f"systemctl status user@{facts.uid}.service",
        )
    return NoUserManager(
        f"the user bus of {facts.user} does not lead to a user manager: {facts.error}",
        hint=f"sudo apt install dbus-user-session && "
        f"sudo systemctl restart user@{facts.uid}.service",
    )


def _listens(path: Path) -> bool:
    """Whether there is a socket, and somebody listens on it, if only to refuse us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return _exists(path)
    return True


def _exists(path: Path) -> bool:
    """Whether there is such a file; one that may not be looked at counts as missing."""
    try:
        return path.exists()
    except OSError:
        return False
