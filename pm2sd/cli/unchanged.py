"""What ``apply`` says of instances that it had nothing to do to, and that are not well."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from pm2sd.cli.failures import report
from pm2sd.cli.output import advise, caution
from pm2sd.control.session import Session
from pm2sd.control.settle import not_up
from pm2sd.ecosystem.app import App
from pm2sd.observe.status import restless
from pm2sd.plan.plan import Plan
from pm2sd.units.names import display, instance


def tell_who_is_unwell(here: Session, todo: Plan, apps: Sequence[App]) -> bool:
    """Tell it of the instances of these apps that the plan left alone; False if one should run.

    One that is down, or comes up only to go down again, is the same failure as when it was started:
    applying again after a failure must not make a success of it. What runs again is none, and what
    is not started by apply does not make one, either.
    """
    touched = {*todo.start, *todo.restart}
    units = {
        unit: app
        for app in apps
        for unit in (instance(app.name, number) for number in range(app.instances))
        if unit not in touched
    }
    failures = not_up(here, list(units))
    grave = [one for one in failures if _is_kept_up(units[one.unit])]
    report(grave)
    for name in dict.fromkeys(units[one.unit].name for one in grave):
        advise(_next(name))
    for one in failures:
        if one not in grave:
            caution(f"{display(one.unit)} {one.why}", _next(units[one.unit].name))
    unwell = {one.unit for one in failures}
    for unit in sorted(restless(here.bus, [unit for unit in units if unit not in unwell])):
        caution(f"{display(unit)} is restarted again and again", _next(units[unit].name))
    return not grave


def _is_kept_up(app: App) -> bool:
    """Whether apply starts the app's instances, and leaves them running."""
    return app.autostart and app.schedule is None and app.idle_timeout is None


def _next(name: str) -> str:
    return f"pm2sd describe {quote(name)}; pm2sd logs {quote(name)}"
