"""What runs now, as the plan needs to know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pm2sd.control.session import Session
from pm2sd.plan.plan import Running
from pm2sd.systemd.bus import UnitRow
from pm2sd.units import names

DOWN = frozenset({"inactive", "failed"})


def rows(session: Session, apps: Iterable[str]) -> list[UnitRow]:
    """The loaded instances of some apps, and the target, slice, sockets and auxiliary units."""
    patterns = [
        pattern
        for app in apps
        for pattern in (
            names.target(app),
            names.slice_name(app),
            names.service_template(app).replace("@.", "@*."),
            f"{names.unit_name(app)}:*",
            names.socket(app),
            names.socket_template(app).replace("@.", "@*."),
        )
    ]
    return session.bus.list_units(patterns)


def running(session: Session, apps: Iterable[str], pending: Mapping[str, int]) -> Running:
    """The state of some apps' units. ``pending`` is the note of an interrupted run."""
    wanted = tuple(apps)
    loaded = rows(session, wanted)
    active = frozenset(row.name for row in loaded if row.active not in DOWN)
    targets = (names.target(app) for app in wanted)
    unread = frozenset(
        row.name for row in loaded if session.bus.get(row.name, "Unit", "NeedDaemonReload")
    )
    return Running(
        active=active,
        enabled=frozenset(t for t in targets if session.bus.unit_file_state(t) == "enabled"),
        stale=frozenset(
            unit
            for unit, noted in pending.items()
            if unit in active and (unit in unread or started(session, unit) < noted)
        ),
        unread=unread,
    )


def owed(session: Session, pending: Mapping[str, int]) -> dict[str, list[int]]:
    """The instances that run what they ran before they were noted, by app."""
    parsed = [one for unit in pending if (one := names.parse_instance(unit))]
    stale = running(session, {app for app, _ in parsed}, pending).stale
    found: dict[str, list[int]] = {}
    for app, number in sorted(parsed):
        if names.instance(app, number) in stale:
            found.setdefault(app, []).append(number)
    return found


def started(session: Session, unit: str) -> int:
    """When the unit, or the service's process, was started: microseconds of CLOCK_MONOTONIC."""
    if unit.endswith(".service"):
        return int(session.bus.get(unit, "Service", "ExecMainStartTimestampMonotonic"))
    return int(session.bus.get(unit, "Unit", "ActiveEnterTimestampMonotonic"))
