"""What each instance does now: the rows of ``pm2sd status``.

One ListUnitsByPatterns, a few single properties of the units that are loaded, and cgroup files:
some milliseconds for 100 instances (a GetAll would take 2 ms for each).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pm2sd.observe import cpu
from pm2sd.observe.known import Known
from pm2sd.plan.select import Instance
from pm2sd.systemd import cgroup, scope
from pm2sd.systemd import restarts as counts
from pm2sd.systemd.bus import Bus, UnitRow
from pm2sd.systemd.user import user_name
from pm2sd.units import names

if TYPE_CHECKING:
    from pm2sd.ecosystem.app import ExecMode

# ActiveState of org.freedesktop.systemd1(5) -> PM2's word (constants.js).
_STATES: Final = {
    "active": "online",
    "reloading": "online",
    "refreshing": "online",
    "activating": "launching",
    "deactivating": "stopping",
    "inactive": "stopped",
    "maintenance": "stopped",
    "failed": "errored",
}

# SubState of a service that is "activating" because it will be started again, not now.
WAITING: Final = frozenset({"auto-restart", "auto-restart-queued"})

_RUNS: Final = frozenset({"online", "launching", "stopping"})

# Exit.result and Result of one whose health was bad: found by its timer, or by the watchdog.
_UNHEALTHY: Final = frozenset({"unhealthy", "watchdog"})

FLAPPING: Final = 5
FLAPPING_SECONDS: Final = 600.0
"""So many automatic restarts in so long are too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One instance. Sizes are bytes, ``uptime`` is seconds, ``cpu`` a percentage of one CPU.

    ``pid``, ``uptime``, ``cpu`` and ``memory`` are None for an instance that does not run.
    ``restarts`` counts all of them, until ``reset``.
    ``result`` is the Result property (systemd.exec(5), $SERVICE_RESULT) of one that is down or
    waits to be restarted, else empty. ``oom`` says that this end, or the one before the automatic
    restart of one that runs, was the OOM killer's, ``unhealthy`` that it was for its ``health``.
    ``flapping``: systemd restarts it again and again. ``enabled``: the app comes back at boot.
    """

    name: str
    instance: int
    id: int
    unit: str
    namespace: str
    mode: ExecMode
    state: str
    pid: int | None
    uptime: float | None
    restarts: int
    cpu: float | None
    memory: int | None
    user: str
    result: str
    oom: bool
    flapping: bool
    unhealthy: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class _Process:
    """What is known of one service: its main process's pid, and its age in seconds."""

    state: str
    pid: int = 0
    restarts: int = 0
    uptime: float = 0.0
    result: str = ""


def state_of(active: str, sub: str) -> str:
    """A unit's ActiveState and SubState in PM2's words."""
    if sub in WAITING:
        return "waiting restart"
    return _STATES.get(active, active)


def rows(bus: Bus, known: Known, chosen: Sequence[Instance]) -> list[Row]:
    """The rows of the chosen instances, in their order. Raises ManagerError."""
    apps = known.stored.apps
    starters = {
        one.app: starter for one in chosen if (starter := _starter(one.app, apps[one.app].files))
    }
    loaded = _loaded(bus, {one.app for one in chosen}, starters.values())
    running = [one for one in chosen if one.unit in loaded and _runs(loaded[one.unit])]
    groups = _control_groups(bus, running)
    pids = {unit: cgroup.processes(group) or () for unit, group in groups.items()}
    processes = {
        one.unit: _process(bus, loaded.get(one.unit), pids.get(one.unit, ())) for one in chosen
    }
    percentages = cpu.percentages(groups.values())
    wants = scope.wants_directory()
    enabled = {
        name: known.directory.exists(f"{wants}/{names.target(name)}")
        for name in {one.app for one in chosen}
    }
    asked = {name for name, app in apps.items() if _has_health(name, app.files)}
    ends = _ends(
        {unit: group for unit, group in groups.items() if processes[unit].restarts},
        [one.unit for one in running if one.app in asked],
    )
    flapping = _flapping(processes)
    counted = counts.load()
    user = user_name()
    result = []
    for one in chosen:
        stored, process, group = apps[one.app], processes[one.unit], groups.get(one.unit)
        result.append(
            Row(
                name=one.app,
                instance=one.number,
                id=one.id,
                unit=one.unit,
                namespace=stored.namespace,
                mode=stored.exec_mode,
                state=_state(process.state, loaded.get(starters.get(one.app, ""))),
                pid=process.pid or None,
                uptime=process.uptime if process.pid else None,
                restarts=process.restarts + counted.get(one.unit, 0),
                cpu=percentages.get(group) if group else None,
                memory=cgroup.memory(group, pids[one.unit]) if group else None,
                user=stored.user or user,
                result=process.result,
                flapping=one.unit in flapping,
                oom="oom-kill" in (process.result, ends.get(one.unit)),
                unhealthy=not _UNHEALTHY.isdisjoint((process.result, ends.get(one.unit))),
                enabled=enabled[one.app],
            )
        )
    return result


def _has_health(name: str, files: Mapping[str, str]) -> bool:
    """Whether a timer asks the app's instances, or they feed the watchdog."""
    timer = names.auxiliary(name, "health", "timer")
    return timer in files or "\nWatchdogSec=" in files.get(names.service_template(name), "")


def _starter(name: str, files: Mapping[str, str]) -> str | None:
    """The unit that starts an app's instance: the timer of a job, the socket of an idle app.

    The socket of another app starts its keeper (``NAME:socket.service``).
    """
    timer, socket = names.auxiliary(name, "schedule", "timer"), names.socket(name)
    if timer in files:
        return timer
    keeper = names.auxiliary(name, "socket", "service")
    return socket if socket in files and keeper not in files else None


def _loaded(bus: Bus, app_names: Iterable[str], starters: Iterable[str]) -> dict[str, UnitRow]:
    patterns = [names.service_template(name).replace("@.", "@*.") for name in app_names]
    return {row.name: row for row in bus.list_units([*patterns, *starters])}


def _state(state: str, starter: UnitRow | None) -> str:
    """The state of an instance; one that does not run waits for what starts it, if that is up."""
    if state != "stopped" or starter is None or starter.active != "active":
        return state
    return "idle" if starter.name.endswith(".socket") else "waiting"


def _runs(row: UnitRow) -> bool:
    return state_of(row.active, row.sub) in _RUNS


def _process(bus: Bus, row: UnitRow | None, pids: Sequence[int]) -> _Process:
    if row is None:
        return _Process("stopped")

    def number(prop: str) -> int:
        return int(bus.get(row.name, "Service", prop))

    state, restarts = state_of(row.active, row.sub), number("NRestarts")
    if not _runs(row):
        done = counts.automatic(row.active, restarts)
        return _Process(state, restarts=done, result=bus.get(row.name, "Service", "Result"))
    # Asking the manager costs 90 us a property, reading files 20: a running service with a single
    # process has that one for its main process.
    if row.sub == "running" and len(pids) == 1 and (age := cgroup.age(pids[0])) is not None:
        return _Process(state, pids[0], restarts, age)
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    started = number("ExecMainStartTimestampMonotonic") / 1e6
    return _Process(state, number("MainPID"), restarts, max(0.0, now - started))


def _control_groups(bus: Bus, running: Iterable[Instance]) -> dict[str, str]:
    """The control groups of running instances, by unit.

    They follow from the names and are only asked for where a drop-in moved the unit elsewhere.
    """
    manager = bus.manager("ControlGroup")
    groups = {}
    for one in running:
        path = cgroup.unit_path(manager, names.slice_name(one.app), one.unit)
        if not cpu.is_known(path) and cgroup.cpu_time(path) is None:
            path = bus.get(one.unit, "Service", "ControlGroup")
        if path:
            groups[one.unit] = path
    return groups


def _ends(groups: Mapping[str, str], asked: Sequence[str]) -> dict[str, str]:
    """How running units ended before their restart (Exit.result), where it may have been the OOM
    killer or, of the units ``asked``, their health; ``groups`` are the control groups by unit.

    systemd forgets it at the next start, and a new start has a new control group. But the group of
    the app's slice stays and counts for all of them; only where it has counted, the journal knows.
    """
    suspects = [
        unit
        for unit, path in groups.items()
        if unit in asked or cgroup.oom_kills(path.rpartition("/")[0])
    ]
    if not suspects:
        return {}
    from pm2sd.errors import Pm2sdError
    from pm2sd.systemd.exits import last_exits

    try:
        ends = last_exits(suspects)
    except Pm2sdError:
        return {}
    return {unit: last.result for unit, last in ends.items()}


def restless(bus: Bus, units: Sequence[str]) -> set[str]:
    """Which of some units systemd restarts again and again, as the rows have it."""
    return _flapping({row.name: _process(bus, row, ()) for row in bus.units_by_name(units)})


def _flapping(processes: Mapping[str, _Process]) -> set[str]:
    """Which units systemd restarts again and again.

    It counts restarts without saying when they were; where there are enough, and the last was not
    long ago, the journal knows.
    """
    suspects = [
        unit
        for unit, process in processes.items()
        if process.restarts >= FLAPPING
        and (process.state == "waiting restart" or 0 < process.uptime < FLAPPING_SECONDS)
    ]
    if not suspects:
        return set()
    from pm2sd.errors import Pm2sdError
    from pm2sd.systemd.exits import restarts_since

    try:
        found = restarts_since(suspects, FLAPPING_SECONDS)
    except Pm2sdError:
        return set()
    return {unit for unit, restarts in found.items() if restarts >= FLAPPING}


_SORT_KEYS: Final = {"status": "state", "mem": "memory", "↺": "restarts", "pm_id": "id"}


def sort_rows(found: Sequence[Row], field: str, *, descending: bool = False) -> list[Row]:
    """Rows by one of their fields, those that have none of it last. Raises KeyError."""
    key = _SORT_KEYS.get(field, field)
    if key not in Row.__slots__:
        raise KeyError(field)
    some = [row for row in found if getattr(row, key) is not None]
    none = [row for row in found if getattr(row, key) is None]
    return sorted(some, key=lambda row: getattr(row, key), reverse=descending) + none
