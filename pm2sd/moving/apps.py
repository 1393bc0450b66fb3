"""From PM2's processes to apps: what runs several times becomes one app with instances."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pm2sd.ecosystem import node_versions
from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.interpreter import BY_EXTENSION
from pm2sd.ecosystem.machine import Machine
from pm2sd.ecosystem.nodes import Plain, Source
from pm2sd.ecosystem.resolve import resolve
from pm2sd.ecosystem.serving import SERVE
from pm2sd.moving.options import clean, in_order
from pm2sd.moving.plain_nodes import node_of
from pm2sd.moving.processes import Process
from pm2sd.moving.variables import Variables, tell_apart

_DOWN = ("stopped", "stopping")


@dataclass(frozen=True, slots=True)
class Moved:
    """One app as it would be written, and the processes of PM2's that it stands for.

    ``options`` are in the order of the file, without the variables; ``remarks`` tell what a reader
    of the file should know.
    """

    name: str
    options: Mapping[str, Plain]
    variables: Variables
    processes: tuple[Process, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Here:
    """What telling an app's options from PM2's takes to know.

    ``shell`` is the environment of the user's login, ``pm2_home`` PM2's directory.
    """

    machine: Machine
    shell: Mapping[str, str] = field(repr=False)
    pm2_home: str


@dataclass(frozen=True, slots=True)
class _One:
    """One process with its options and variables told apart."""

    process: Process
    options: Mapping[str, Plain]
    variables: Variables
    remarks: tuple[str, ...]

    @property
    def env(self) -> dict[str, str]:
        return {**self.variables.own, **self.variables.secrets}


def moved_apps(processes: Iterable[Process], here: Here) -> tuple[Moved, ...]:
    """The apps of PM2's processes, in the order of these; PM2's modules are none."""
    groups: dict[str, list[list[_One]]] = {}
    for process in processes:
        if process.is_module:
            continue
        one = _one(process, here)
        alike = groups.setdefault(process.name, [])
        group = next((group for group in alike if _fits(group, one)), None)
        if group is None:
            alike.append([one])
        else:
            group.append(one)
    apps: list[Moved] = []
    taken = set(groups)
    for name, alike in groups.items():
        for part in [part for group in alike for part in _countable(group)]:
            app = _fold(part)
            if any(other.name == name for other in apps):
                app = _renamed(app, taken)
            apps.append(app)
    return tuple(apps)


def _one(process: Process, here: Here) -> _One:
    cleaned = clean(process, here.machine, here.pm2_home)
    program = str(process.options.get("exec_interpreter") or "")
    variables = tell_apart(
        process.env,
        shell=here.shell,
        home=here.machine.home,
        user=here.machine.user,
        instance_var=str(process.options.get("instance_var") or "NODE_APP_INSTANCE"),
        is_python="python" in program,
    )
    extra, remarks = _interpreter(process, cleaned.options, variables, here.machine)
    options = in_order({**cleaned.options, **extra})
    return _One(process, options, variables, (*cleaned.remarks, *remarks))


# ---- instances


def _fits(group: Sequence[_One], one: _One) -> bool:
    """Whether a process differs from those of the group in the value of one variable at most."""
    first = group[0]
    return first.options == one.options and len(_differing([*group, one])) <= 1


def _differing(group: Sequence[_One]) -> list[str]:
    """The variables that are not the same in all processes."""
    names = dict.fromkeys(name for one in group for name in one.env)
    return [name for name in names if len({one.env.get(name) for one in group}) > 1]


def _countable(group: list[_One]) -> list[list[_One]]:
    """The group in parts, in each of which the one variable that differs counts up by one."""
    differing = _differing(group)
    if not differing:
        return [group]
    (variable,) = differing
    if group[0].options.get("increment_var", variable) != variable:
        return [[one] for one in group]
    numbers = [_whole(one.env.get(variable)) for one in group]
    ordered = sorted(number for number in numbers if number is not None)
    if None in numbers or ordered != list(range(ordered[0], ordered[0] + len(group))):
        return [[one] for one in group]
    by_number = sorted(group, key=lambda one: int(one.env[variable]))
    counted = [
        replace(one, options=in_order({**one.options, "increment_var": variable}))
        for one in by_number
    ]
    return [counted]


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


def _fold(group: Sequence[_One]) -> Moved:
    first = group[0]
    options = dict(first.options)
    if len(group) > 1:
        options["instances"] = len(group)
        if _clusters(first.process):
            options.setdefault("exec_mode", "fork")
    elif options.get("exec_mode") != "cluster":
        options.pop("merge_logs", None)
    states = Counter(one.process.status for one in group)
    if all(status in _DOWN for status in states):
        options["autostart"] = False
    remarks = [remark for one in group for remark in one.remarks]
    if len(states) > 1 or "errored" in states:
        told = ", ".join(f"{count} {status}" for status, count in states.items())
        remarks.append(f"in PM2: {told}")
    return Moved(
        first.process.name,
        in_order(options),
        first.variables,
        tuple(one.process for one in group),
        tuple(dict.fromkeys(remarks)),
    )


def _clusters(process: Process) -> bool:
    """Whether instances of it are a cluster where no mode is written (ecosystem/instances.py)."""
    program = posixpath.basename(str(process.options.get("exec_interpreter") or ""))
    return program.endswith(("node", "nodejs", "bun"))


def _renamed(app: Moved, taken: set[str]) -> Moved:
    """PM2 lets several apps have one name; units cannot."""
    number = 2
    while (name := f"{app.name}-{number}") in taken:
        number += 1
    taken.add(name)
    remark = f"PM2 calls it {app.name!r} too; it is another app, so it has another name here"
    return replace(
        app, name=name, options={**app.options, "name": name}, remarks=(*app.remarks, remark)
    )


# ---- the interpreter


def _interpreter(
    process: Process, options: Mapping[str, Plain], variables: Variables, machine: Machine
) -> tuple[dict[str, Plain], tuple[str, ...]]:
    """``interpreter``, where pm2sd would take another one than PM2 did by itself; and a remark."""
    written = str(process.options.get("exec_interpreter") or "")
    path = str(process.options["pm_exec_path"])
    if not written or " " in str(options["script"]) or options["script"] == SERVE:
        return {}, ()
    wanted = _wanted(process, written, machine)
    app = _resolved(options, variables, machine)
    if app is not None and wanted == app.interpreter:
        return {}, ()
    if app is None and written in BY_EXTENSION.get(posixpath.splitext(path)[1], ("node",)):
        return {}, ()
    if wanted is None:
        return {}, (f"PM2 ran it with {written}, which is not there any more",)
    kept = "/" in written and not written.startswith("/")  # from the app's directory here, too
    if wanted == "none" or kept or (written != wanted and machine.which(written) == wanted):
        return {"interpreter": written}, ()
    for version in node_versions.installed(machine):
        if version.path == wanted:
            return {"interpreter": f"node@{'.'.join(map(str, version.version))}"}, ()
    return {"interpreter": wanted}, ()


def _wanted(process: Process, written: str, machine: Machine) -> str | None:
    """The program that PM2 ran the script with: found in the PATH it had, as spawn(3) does.

    A relative path is looked up in the directory that the app is started in.
    """
    if written == "none":
        return "none"
    if "/" in written:
        directory = str(process.options.get("pm_cwd") or machine.home)
        path = posixpath.normpath(posixpath.join(directory, written))
        return path if machine.is_executable(path) else None
    return machine.which(written, process.env.get("PATH")) or machine.which(written)


def _resolved(options: Mapping[str, Plain], variables: Variables, machine: Machine) -> App | None:
    """The app that pm2sd would make of it; None where it could not."""
    node = node_of({**options, "env": dict(variables.own)})
    source = Source("PM2's list", None, "", node)
    declared, problems = declare(node, source)
    if problems:
        return None
    return resolve(declared, machine=machine, base=machine.home, source=source).app
