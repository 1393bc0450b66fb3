"""Making the kernel enforce limits, and what apply has to say where it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pm2sd.control.running import rows
from pm2sd.control.session import Session
from pm2sd.ecosystem.app import App
from pm2sd.plan.limits import remedy, unenforced
from pm2sd.plan.plan import Plan
from pm2sd.systemd import cgroup

_LIMITING: Final = frozenset(
    {"CPUQuota", "CPUWeight", "IOWeight", "MemoryHigh", "MemoryMax", "MemorySwapMax", "TasksMax"}
)
"""The directives of systemd.resource-control(5) that plan/effects.py lets take effect live."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Controllers that the user's manager has not, what is not enforced for it, and a remedy."""

    controllers: tuple[str, ...]
    limits: tuple[str, ...]
    remedy: str


def missing(session: Session, apps: Iterable[App]) -> Missing | None:
    """What is not enforced of some apps' limits; None where all of it is."""
    there = cgroup.controllers(session.bus.manager("ControlGroup"))
    found: dict[str, list[str]] = {}
    lacking: set[str] = set()
    for app in apps:
        for limit, controller in unenforced(app, there).items():
            found.setdefault(limit, []).append(app.name)
            lacking.add(controller)
    if not found:
        return None
    return Missing(
        tuple(sorted(lacking)),
        tuple(f"{limit} of {', '.join(names)}" for limit, names in found.items()),
        remedy(lacking, cgroup.controllers("/")),
    )


def changed(todo: Plan) -> list[str]:
    """The apps of which a plan changes a limit."""
    return [change.name for change in todo.changes if _LIMITING.intersection(change.reasons)]


def enforce(session: Session, apps: Iterable[str]) -> None:
    """Bring changed limits to the instances that go on running, and to the slices around them."""
    for row in rows(session, apps):
        if row.active == "active" and row.name.endswith((".service", ".slice")):
            properties = session.bus.get_all(row.name)
            if properties["ControlGroup"]:
                cgroup.write_limits(properties["ControlGroup"], properties)
