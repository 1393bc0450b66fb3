"""Everything about one instance: what runs, why it was last restarted, what limits it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pm2sd.ecosystem.app import App
from pm2sd.errors import Pm2sdError
from pm2sd.notes import Note
from pm2sd.observe.known import Known
from pm2sd.observe.limits_in_force import Limit, limits_of_instance, limits_of_memory
from pm2sd.observe.package import version
from pm2sd.observe.status import Row, rows
from pm2sd.plan.select import Instance
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd import cgroup, exits, scope
from pm2sd.systemd.bus import UNSET, Bus
from pm2sd.systemd.results import CLD_DUMPED, CLD_EXITED, CLD_KILLED, CODES, Ending
from pm2sd.systemd.user import lingers
from pm2sd.translate.logs import fill_in, streams
from pm2sd.translate.memory import limits_text
from pm2sd.units import names
from pm2sd.units.model import Output

_HISTORY: Final = 10
"""How many ends are told."""


@dataclass(frozen=True, slots=True)
class LastExit:
    """How the instance last ended: in words, and when in seconds since 1970.

    ``oom``: it, or a child of it, was killed by the OOM killer.
    """

    words: str
    time: float
    code: int | None
    signal: int | None
    requested: bool
    oom: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One instance and the app it belongs to.

    ``files`` are pm2sd's own unit files, of which ``edited`` were changed by hand; ``drop_ins``
    are other people's. ``needs_reload``: systemd has not read the files as they are now.
    ``lingers``: the user manager runs from boot on, not only while the user is logged in.
    ``history`` are its last ends, the latest first, which is ``last_exit``. ``journal_error`` says
    why they are not known. ``watching``: the watcher of the app's
    files runs; None where it has none. ``confined``: the process has a view of the file system of
    its own, as strict hardening means it to; None where that is not known. ``next_run``: when
    ``schedule`` starts the job, or ``cron_restart`` restarts the app, in seconds since 1970.
    """

    row: Row
    app: App
    version: str
    last_exit: LastExit | None
    history: tuple[LastExit, ...]
    journal_error: str
    next_run: float | None
    watching: bool | None
    limits: tuple[Limit, ...]
    confined: bool | None
    logs: Mapping[str, str]
    ports: tuple[str, ...]
    files: tuple[str, ...]
    edited: tuple[str, ...]
    drop_ins: tuple[str, ...]
    needs_reload: bool
    lingers: bool
    notes: tuple[Note, ...]
    commands: tuple[str, ...]


def describe(bus: Bus, known: Known, chosen: Sequence[Instance]) -> list[Description]:
    """The descriptions of some instances. Raises ManagerError."""
    found = rows(bus, known, chosen)
    return [_description(bus, known, one, row) for one, row in zip(chosen, found, strict=True)]


def _description(bus: Bus, known: Known, one: Instance, row: Row) -> Description:
    stored = known.stored.apps[one.app]
    properties = bus.get_all(one.unit)
    directory = known.directory.path
    ours = {str(directory / path) for path in stored.files}
    history, journal_error = _history(one.unit, properties)
    if text := limits_text(stored.app):
        history = [
            replace(end, words=f"{end.words}: {text}") if end.oom else end for end in history
        ]
    read: list[str] = properties["DropInPaths"]
    # systemd does not notice a new drop-in by itself: it remembers the directories.
    there = [path for _, path in known.directory.drop_ins([one.unit])]
    return Description(
        row=row,
        app=stored.app,
        version=version(stored.app.script),
        last_exit=history[0] if history else None,
        history=tuple(history),
        journal_error=journal_error,
        next_run=_next_run(bus, stored.app),
        watching=_watching(bus, stored.app),
        limits=(*limits_of_instance(properties), *limits_of_memory(bus, stored.app, properties)),
        confined=_confined(int(properties["MainPID"])),
        logs=_logs(stored.app, one),
        ports=_ports(properties["ControlGroup"]),
        files=tuple(sorted(ours)),
        edited=tuple(str(directory / path) for path in stored.edited()),
        drop_ins=tuple(path for path in dict.fromkeys([*read, *there]) if path not in ours),
        needs_reload=bool(properties["NeedDaemonReload"]) or not set(there) <= set(read),
        lingers=lingers(row.user),
        notes=(*stored.notes, *stored.translation_notes),
        commands=_commands(stored, one),
    )


def _history(unit: str, properties: Mapping[str, Any]) -> tuple[list[LastExit], str]:
    """The last ends by the journal, and what is wrong with it.

    Without it there is the last one by the manager, which forgets it at the next start.
    """
    try:
        logged = exits.history(unit, _HISTORY)
        problem = ""
    except Pm2sdError as error:
        logged, problem = [], error.message
    if logged:
        return [_from_journal(one) for one in logged], ""
    if properties["ExecMainCode"]:
        code, status = int(properties["ExecMainCode"]), int(properties["ExecMainStatus"])
        ending = Ending(properties["Result"], code, status, 0)
        return [_told(ending, properties["ExecMainExitTimestamp"], requested=False)], ""
    return [], problem


def _from_journal(logged: exits.Exit) -> LastExit:
    code = CODES.get(logged.code, CLD_EXITED if logged.result == "success" else 0)
    ending = Ending(logged.result, code, logged.status or 0, 0)
    return _told(ending, logged.realtime_usec, requested=logged.requested)


def _watching(bus: Bus, app: App) -> bool | None:
    if not app.watched:
        return None
    (row,) = bus.units_by_name([names.auxiliary(app.name, "watch", "service")])
    return row.active == "active"


def _next_run(bus: Bus, app: App) -> float | None:
    """When the app's timer elapses next; None without one, or with one that does not run."""
    if app.schedule is None and app.cron_restart is None:
        return None
    what = "cron" if app.schedule is None else "schedule"
    (row,) = bus.units_by_name([names.auxiliary(app.name, what, "timer")])
    if row.active != "active":
        return None
    usec = int(bus.get(row.name, "Timer", "NextElapseUSecRealtime"))
    return usec / 1e6 if 0 < usec < UNSET else None


def _told(ending: Ending, realtime_usec: int, *, requested: bool) -> LastExit:
    on_request = requested and ending.result == "success"
    return LastExit(
        "stopped on request" if on_request else str(ending),
        realtime_usec / 1e6,
        ending.status if ending.code == CLD_EXITED else None,
        ending.status if ending.code in (CLD_KILLED, CLD_DUMPED) else None,
        requested,
        ending.result == "oom-kill",
    )


def _confined(pid: int) -> bool | None:
    """Whether a process has a mount namespace of its own, in which / is read-only.

    Where the kernel gives ordinary users none, or refuses one of the mounts in it, systemd starts
    the process without, or halfway, and says nothing.
    """
    try:
        theirs, ours = (Path(f"/proc/{who}/ns/mnt").readlink() for who in (pid or "-", "self"))
        mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    except OSError:
        return None
    root = [mount[5].split(",") for mount in mounts if mount[4] == "/"]
    return theirs != ours and bool(root) and "ro" in root[-1]


def _logs(app: App, one: Instance) -> dict[str, str]:
    logs = streams(app)
    return {
        "out": _place(logs.output, one.number),
        "err": _place(logs.error, one.number),
        "identifier": fill_in(logs.identifier, one.number),
    }


def _place(output: Output, number: int) -> str:
    match output.kind:
        case "append":
            return fill_in(output.path, number)
        case "null":
            return "/dev/null"
        case _:
            return "journal"


def _ports(group: str) -> tuple[str, ...]:
    """The addresses on which the processes of a control group listen, as ``tcp 127.0.0.1:80``."""
    pids = cgroup.usage(group).pids if group else ()
    if not pids:
        return ()
    import psutil

    found = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            # psutil 6 renamed connections().
            connections = getattr(process, "net_connections", None) or process.connections
            found |= set(_listening(connections(kind="inet")))
        except psutil.Error:
            continue
    return tuple(text for _, text in sorted(found))


def _listening(connections: Iterable[Any]) -> Iterable[tuple[int, str]]:
    import socket

    for one in connections:
        stream = one.type == socket.SOCK_STREAM
        if one.laddr and (one.status == "LISTEN" if stream else not one.raddr):
            host = f"[{one.laddr.ip}]" if ":" in one.laddr.ip else one.laddr.ip
            yield one.laddr.port, f"{'tcp' if stream else 'udp'} {host}:{one.laddr.port}"


def _commands(stored: StoredApp, one: Instance) -> tuple[str, ...]:
    """What does the same without pm2sd."""
    from shlex import quote

    identifier = fill_in(streams(stored.app).identifier, one.number)
    commands = (
        f"systemctl --user status {quote(one.unit)}",
        f"systemctl --user restart {quote(one.unit)}",
        f"systemctl --user edit {quote(names.service_template(one.app))}",
        f"journalctl --user --identifier={quote(identifier)} --follow",
    )
    return tuple(map(scope.here, commands))
