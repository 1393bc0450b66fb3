"""The options in a process of PM2's: under their names, without defaults and bookkeeping."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pm2sd.ecosystem.log_paths import TIME_FORMAT
from pm2sd.ecosystem.machine import Machine
from pm2sd.ecosystem.nodes import Node, Plain
from pm2sd.ecosystem.options import ENV_BLOCK, OPTIONS, Option, Section, find
from pm2sd.ecosystem.options.numbers import Size, number
from pm2sd.ecosystem.options.types import Refused
from pm2sd.ecosystem.quantities import show_size
from pm2sd.ecosystem.serving import SERVE
from pm2sd.moving.plain_nodes import node_of
from pm2sd.moving.processes import Process
from pm2sd.notes import Fidelity

# How the path of PM2's server of static files ends, which `pm2 serve` starts; here it is ours.
_SERVE = "/pm2/lib/API/Serve.js"

_FIRST = (
    *("name", "script", "args", "interpreter", "node_args", "cwd", "namespace"),
    *("exec_mode", "instances", "increment_var", "autostart"),
)
_LAST = ("env", "secrets", "env_file")
_RANK = {
    name: rank
    for rank, name in enumerate(
        (
            *_FIRST,
            *(option.name for option in OPTIONS if option.name not in (*_FIRST, *_LAST)),
            *_LAST,
        )
    )
}

# Done by name below or in apps.py, or done with: the name has its prefix and environment already,
# what was filtered is not there, PORT is among the variables, and fork is what remains of -x.
_DONE = frozenset(
    {
        *("name", "script", "args", "interpreter", "node_args", "cwd", "exec_mode", "instances"),
        *("autostart", "env", "out_file", "error_file", "log_file", "merge_logs", "pid_file"),
        *("time", "log_date_format", "port", "filter_env", "append_env_to_name", "name_prefix"),
        "execute_command",
    }
)
_ASIDE = frozenset({Section.MONITORING, Section.INTERNAL, Section.OURS})
_LOG_PATHS = {
    "out_file": "pm_out_log_path",
    "error_file": "pm_err_log_path",
    "log_file": "pm_log_path",
}
# PM2 puts the process's id there unless logs are merged (lib/God.js, executeApp).
_ID = re.compile(r"-\d+\.log$")
_DEFAULT_LOG = re.compile(r".+-(?:out|error)(?:-\d+)?\.log")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The options of one process as they would be written, and remarks on what was not."""

    options: dict[str, Plain]
    remarks: tuple[str, ...]


def clean(process: Process, machine: Machine, pm2_home: str) -> Cleaned:
    """The process's options; ``interpreter`` and ``instances`` are not among them yet.

    ``pm2_home`` is where PM2 keeps its logs, where the process does not say.
    """
    found = process.options
    cwd = str(found.get("pm_cwd") or "") or machine.home
    options: dict[str, Plain] = {"name": process.name, **_program(process, machine, cwd)}
    remarks: list[str] = []
    for key, value in found.items():
        option = find(key)
        if option is None or option.name in _DONE or option.section in _ASIDE:
            continue
        try:
            kept = _kept(option, value)
        except Refused as refused:
            remarks.append(f"{key} was left out: {refused.faults[0].message}")
            continue
        if kept is not None:
            options[key if option is ENV_BLOCK else option.name] = kept
    options |= _logs(process, cwd, process.env.get("PM2_HOME", pm2_home))
    options |= _of_daemon(process)
    if found.get("exec_mode") == "cluster_mode":
        options["exec_mode"] = "cluster"
    return Cleaned(in_order(options), tuple(remarks))


def in_order(options: Mapping[str, Plain]) -> dict[str, Plain]:
    """The options in the order people write them."""
    return dict(sorted(options.items(), key=lambda item: _rank(item[0])))


def _rank(name: str) -> tuple[int, str]:
    return _RANK.get(name, _RANK["env"]), name


def _kept(option: Option, value: Plain) -> Plain:
    """A value as it is written, None where it says nothing; raises Refused."""
    node = node_of(value)
    if value is None or value in ("", []) or option.fidelity is Fidelity.NO_EFFECT:
        return None
    if option.zero and not option.zero.kept and number(node) == 0:
        return None
    if value is False and option.forgets_false and option.default is not True:
        return None
    parsed = option.type.parse(node)
    default = None if option.default is None else option.type.parse(node_of(option.default))
    if parsed == default or option.is_quiet(parsed):
        return None
    if isinstance(option.type, Size) and isinstance(parsed, int):
        return show_size(parsed)
    return value


def _program(process: Process, machine: Machine, cwd: str) -> dict[str, Plain]:
    path = str(process.options["pm_exec_path"])
    args = _texts(process.options.get("args"))
    found: dict[str, Plain] = {"cwd": _below_home(cwd, machine.home)}
    if line := _command_line(process, path, args):
        return found | {"script": line}
    if path.endswith(_SERVE):
        return {**found, "script": SERVE, **({"args": [*args]} if args else {})}
    found["script"] = _script(path, cwd, machine)
    if args:
        found["args"] = [*args]
    if node_args := _texts(process.options.get("node_args")):
        found["node_args"] = [*node_args]
    return found


def _command_line(process: Process, path: str, args: list[str]) -> str | None:
    """The script with a space in it that PM2 made ``bash -c SCRIPT`` of (lib/Common.js)."""
    shell = posixpath.basename(path) in ("bash", "sh")
    if shell and process.options.get("exec_interpreter") == "none" and args[:1] == ["-c"]:
        return args[1] if len(args) == 2 and " " in args[1].strip() else None
    return None


def _script(path: str, cwd: str, machine: Machine) -> str:
    """Relative to the app's directory where it is below it; a program of PATH by its name."""
    if path.startswith(cwd.rstrip("/") + "/"):
        return posixpath.relpath(path, cwd)
    name = posixpath.basename(path)
    beside = machine.is_file(posixpath.join(cwd, name))
    return name if machine.which(name) == path and not beside else path


def _below_home(path: str, home: str) -> str:
    return f"~{path[len(home) :]}" if path.startswith(home.rstrip("/") + "/") else path


def _texts(value: Plain) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item) for item in items]


def _logs(process: Process, cwd: str, pm2_home: str) -> dict[str, Plain]:
    """Log files that the user chose; PM2's own are left to the journal."""
    found: dict[str, Plain] = {}
    merged = process.options.get("merge_logs") is True
    for option, key in _LOG_PATHS.items():
        path = process.options.get(key)
        if not isinstance(path, str) or not path:
            continue
        directory, file = posixpath.split(path)
        if directory == posixpath.join(pm2_home, "logs") and _DEFAULT_LOG.fullmatch(file):
            continue
        path = path if merged else _ID.sub(".log", path)
        found[option] = posixpath.relpath(path, cwd) if path.startswith(f"{cwd}/") else path
    if found and merged:
        found["merge_logs"] = True
    shown = process.options.get("log_date_format")
    if process.options.get("time") is True or shown == TIME_FORMAT:
        found["time"] = True
    elif isinstance(shown, str) and shown:
        found["log_date_format"] = shown
    return found


def _of_daemon(process: Process) -> dict[str, Plain]:
    """What PM2's daemon takes from its environment, for all apps; the shell had it the same."""
    found: dict[str, Plain] = {}
    for option, variable in (
        ("kill_signal", "PM2_KILL_SIGNAL"),
        ("kill_timeout", "PM2_KILL_TIMEOUT"),
    ):
        value = process.env.get(variable)
        if value and option not in process.options:
            row = find(option)
            assert row is not None
            try:
                parsed = row.type.parse(Node(value, node_of(None).where))
            except Refused:
                continue
            if parsed != row.default and isinstance(parsed, str | int):
                found[option] = parsed
    return found
