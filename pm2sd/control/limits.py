"""Limits that nobody enforces: what apply has to say where a controller is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pm2sd.control.session import Session
from pm2sd.ecosystem.app import App
from pm2sd.plan.limits import remedy, unenforced
from pm2sd.systemd import cgroup


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
