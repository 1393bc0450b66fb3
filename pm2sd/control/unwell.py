"""Instances that an apply had nothing to do to, and that are not well all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pm2sd.control.session import Session
from pm2sd.control.settle import Failure, not_up
from pm2sd.ecosystem.app import App
from pm2sd.observe.status import restless
from pm2sd.plan.plan import Plan
from pm2sd.units.names import instance


@dataclass(frozen=True, slots=True)
class Unwell:
    """Units, and what is the matter with them.

    ``failures`` are those that apply keeps up and that are down: the same failure as when they were
    started, as applying again must not make a success of it. ``down`` are those that apply does not
    start or that end by themselves, ``restless`` those that are restarted again and again; ``apps``
    has the app of each.
    """

    failures: Sequence[Failure]
    down: Sequence[Failure]
    restless: Sequence[str]
    apps: dict[str, App]


def unwell(session: Session, todo: Plan, apps: Sequence[App]) -> Unwell:
    """Those of some apps' instances that the plan left alone and that are not well."""
    touched = {*todo.start, *todo.restart}
    units = {
        unit: app
        for app in apps
        for unit in (instance(app.name, number) for number in range(app.instances))
        if unit not in touched
    }
    down = not_up(session, list(units))
    failures = [one for one in down if _is_kept_up(units[one.unit])]
    others = [one for one in down if one not in failures]
    up = [unit for unit in units if unit not in {one.unit for one in down}]
    return Unwell(failures, others, sorted(restless(session.bus, up)), units)


def _is_kept_up(app: App) -> bool:
    """Whether apply starts the app's instances, and leaves them running."""
    return app.autostart and app.schedule is None and app.idle_timeout is None
