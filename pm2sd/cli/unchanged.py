"""What ``apply`` says of instances that it had nothing to do to, and that are not well."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from pm2sd.cli.failures import report
from pm2sd.cli.output import advise, caution
from pm2sd.control.session import Session
from pm2sd.control.unwell import unwell
from pm2sd.ecosystem.app import App
from pm2sd.plan.plan import Plan
from pm2sd.units.names import display


def tell_who_is_unwell(here: Session, todo: Plan, apps: Sequence[App]) -> bool:
    """Tell it of the instances of these apps that the plan left alone; False if one should run."""
    found = unwell(here, todo, apps)
    report(found.failures)
    for name in dict.fromkeys(found.apps[one.unit].name for one in found.failures):
        advise(_next(name))
    for one in found.down:
        caution(f"{display(one.unit)} {one.why}", _next(found.apps[one.unit].name))
    for unit in found.restless:
        caution(f"{display(unit)} is restarted again and again", _next(found.apps[unit].name))
    return not found.failures


def _next(name: str) -> str:
    return f"pm2sd describe {quote(name)}; pm2sd logs {quote(name)}"
