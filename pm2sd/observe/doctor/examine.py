"""All checks, made over one set of facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pm2sd.observe.doctor.facts import Facts
from pm2sd.observe.doctor.gather import gather
from pm2sd.observe.doctor.model import Check, Finding, Result, Status
from pm2sd.observe.doctor.table import CHECKS
from pm2sd.observe.doctor.words import some
from pm2sd.observe.known import Known
from pm2sd.plan.select import Instance

_ORDER: Final = tuple(Status)


def examine(known: Known, chosen: Sequence[Instance], *, whole: bool) -> list[Result]:
    """What there is to say of the machine and some instances' apps; ``whole``: of all of them."""
    return judge(gather(known, chosen, whole=whole))


def judge(facts: Facts) -> list[Result]:
    """The findings of every check, in the table's order; a check that found nothing says so."""
    results = []
    for check in CHECKS:
        if not _possible(check, facts):
            continue
        found = tuple(check.judge(facts))
        if not found and check.good:
            of = f" ({some([app.name for app in facts.apps])})" if _partial(check, facts) else ""
            found = (Finding(status=Status.OK, message=check.good + of),)
        results += [Result(check.id, finding) for finding in found]
    return results


def _possible(check: Check, facts: Facts) -> bool:
    if check.of_users and facts.machine.system:
        return False
    match check.needs:
        case "manager":
            return facts.manager is not None
        case "systemd":
            return facts.machine.booted
        case _:
            return True


def _partial(check: Check, facts: Facts) -> bool:
    return check.of_apps and not facts.whole


def worst(results: Iterable[Result]) -> Status:
    """The worst status among some results."""
    return max((one.finding.status for one in results), key=_ORDER.index, default=Status.OK)
