"""The variables of an app: what the file says, and the few that are taken from the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pm2sd.ecosystem.app import INSTANCE_VAR
from pm2sd.ecosystem.env_files import env_files
from pm2sd.ecosystem.options import ENV_BLOCK, Section, find
from pm2sd.ecosystem.serving import PASSWORD, SERVE
from pm2sd.ecosystem.subject import Subject
from pm2sd.errors import Location
from pm2sd.notes import Fidelity

# Without it programs are found differently at boot than in the shell where the file was applied.
_ALWAYS_INHERITED = ("PATH",)

# What a file may say in the open: pm2sd itself finds programs by the first, shows the second, opens
# the socket of the third, and adds its preload to the last, which a secret would take the place of.
_NO_SECRETS = ("PATH", "NODE_ENV", "PORT", "NODE_OPTIONS")

_BLOCK = "env_"

# The options in one word that nobody means as a variable; all those in several are none either.
_NO_VARIABLES = frozenset(
    {"args", "autorestart", "cwd", "instances", "interpreter", "script", "treekill", "watch"}
)


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables that the unit shows, and those it must not."""

    variables: dict[str, str]
    secrets: dict[str, str]


def environment(subject: Subject, env_name: str | None, cwd: str) -> Environment:
    """The app's environment: inherited, then ``env_file``, ``env``, ``port``, ``env_NAME`` and
    ``secrets``, each over the last.

    ``env_name`` is the one of ``--env``, ``cwd`` what files are relative to. The order is PM2's
    (lib/Common.js, prepareAppConf and mergeEnvironmentVariables), which begins with everything that
    the caller has. Variables of files are kept as secrets are: they often are some.
    """
    secrets: dict[str, str] = subject.get("secrets", dict) or {}
    written: dict[str, str] = dict(subject.get("env", dict) or {})
    port = subject.get("port", int)
    if port is not None:
        written["PORT"] = str(port)
    written |= _named_block(subject, env_name)
    if subject.get("script", str) == SERVE and PASSWORD in written:
        # PM2's files have it in env, where it would be for everybody to read.
        secrets = {PASSWORD: written.pop(PASSWORD)} | secrets
    for name in secrets:
        if name in written:
            subject.problem(
                "secrets",
                f"{name} is in both env and secrets",
                hint="a secret in env can be read by everybody: write it in secrets only",
                where=_place_in(subject, "secrets", name),
            )
    if "NODE_OPTIONS" in secrets:
        subject.problem(
            "secrets",
            "NODE_OPTIONS cannot be a secret: pm2sd adds its preload to it",
            hint="write it in env",
            where=_place_in(subject, "secrets", "NODE_OPTIONS"),
        )
    from_files = env_files(subject, cwd)
    known = {*_NO_SECRETS, subject.get("increment_var", str)}
    in_the_open = known - secrets.keys()
    written = {name: from_files[name] for name in from_files if name in in_the_open} | written
    secrets = {name: from_files[name] for name in from_files if name not in written} | secrets
    secrets.pop(subject.get("instance_var", str) or INSTANCE_VAR, None)
    inherited = {
        name: value
        for name, value in _inherited(subject, written.keys() | secrets.keys()).items()
        if name not in secrets
    }
    _tell_what_the_file_read(subject)
    _tell_what_is_no_option(subject, env_name)
    return Environment(inherited | written, secrets)


def _place_in(subject: Subject, option: str, key: str) -> Location | None:
    """The place of a key inside an option's value."""
    node = subject.declared.nodes.get(option)
    if node is None or not isinstance(node.value, Mapping) or key not in node.value:
        return None
    entry = node.value[key]
    return entry.key_where or entry.where


def _named_block(subject: Subject, env_name: str | None) -> dict[str, str]:
    """The variables of ``env_NAME``; without such a block ``--env`` changes nothing."""
    if not env_name:
        return {}
    block = subject.get(f"{_BLOCK}{env_name}", dict)
    if block is None:
        blocks = [key.removeprefix(_BLOCK) for key in subject.declared.values if _is_block(key)]
        near = get_close_matches(env_name, blocks, n=1)
        subject.note(
            f"{_BLOCK}{env_name}",
            Fidelity.NO_EFFECT,
            f"--env {env_name} changes nothing here: the app has no {_BLOCK}{env_name}"
            + (f"; did you mean --env {near[0]}?" if near else ""),
        )
    return block or {}


def _is_block(option: str) -> bool:
    return option.startswith(_BLOCK)


def _inherited(subject: Subject, own: set[str]) -> dict[str, str]:
    """What is taken from the caller's environment: PATH, and the names in ``inherit_env``."""
    environ = subject.machine.environ
    asked: tuple[str, ...] = subject.get("inherit_env", tuple) or ()
    missing = [name for name in asked if name not in environ and name not in own]
    if missing:
        subject.note(
            "inherit_env",
            Fidelity.NO_EFFECT,
            f"not set in this shell, so not passed on: {', '.join(missing)}",
        )
    names = dict.fromkeys((*_ALWAYS_INHERITED, *asked))
    taken = {name: environ[name] for name in names if name in environ}
    return _filtered(subject, taken)


def _filtered(subject: Subject, inherited: dict[str, str]) -> dict[str, str]:
    """Without what ``filter_env`` names: parts of names in a list, a whole name in a string."""
    value = subject.declared.values.get("filter_env")
    if value is True:
        subject.note(
            "filter_env",
            Fidelity.BETTER,
            "nothing is inherited, not even PATH (systemd's own is used); PM2 ignores true",
        )
        return {}
    if not isinstance(value, tuple):
        return inherited
    if isinstance(subject.declared.nodes["filter_env"].value, str):
        return {name: text for name, text in inherited.items() if name not in value}
    return {
        name: text for name, text in inherited.items() if not any(part in name for part in value)
    }


def _tell_what_the_file_read(subject: Subject) -> None:
    read = subject.source.env_read
    if read:
        what = "all variables" if "*" in read else ", ".join(read)
        subject.note(
            "env",
            Fidelity.BETTER,
            f"the file read {what} through process.env, as they are in this shell; the "
            "app itself gets only what the file writes (PM2 passes everything on): inherit_env "
            "names more",
        )


def _tell_what_is_no_option(subject: Subject, env_name: str | None) -> None:
    """Name what looks like an option of PM2's among the variables.

    PM2 lays an app's variables over its options (lib/God.js, executeApp), when some of them have
    taken effect already: max_memory_restart and node_args are heeded there, instances and
    out_file are not.
    """
    for block in dict.fromkeys(("env", f"{_BLOCK}{env_name}" if env_name else "env")):
        names = [name for name in subject.get(block, dict) or () if _is_option(name)]
        if names:
            are = (
                "are variables here, not options" if names[1:] else "is a variable here, no option"
            )
            subject.note(
                block,
                Fidelity.APPROXIMATE,
                f"{', '.join(names)} in {block} {are} (PM2 heeds some there); what is meant as an "
                f"option belongs beside {block}",
            )


def _is_option(name: str) -> bool:
    option = find(name)
    if option is None or option is ENV_BLOCK or option.section is Section.OURS:
        return False
    return "_" in name or name in _NO_VARIABLES
