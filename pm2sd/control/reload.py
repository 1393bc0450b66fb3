"""Reload: instances one after the other, each ready before the next, and behind a gate where one
can be had.

The gate: the instances of an app with a shared socket stand in for each other, so an extra one can
be started beside them. Only once it is up and has settled is the first of the others touched. An
app that no longer starts leaves all its instances as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from pm2sd.control import counting, extra
from pm2sd.control.interruption import interruptible, uninterrupted
from pm2sd.control.session import Session
from pm2sd.control.settle import Failure, bring_up, gone
from pm2sd.ecosystem.app import App
from pm2sd.plan.select import Instance
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd.bus import Job
from pm2sd.units import names

_UNTOUCHED: Final = (
    ". It was an extra one, to try the app with: the instances that serve were not touched"
)


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a reload came to: which units were ``restarted``, and what did not come up.

    ``refused``: the extra instance did not, so no instance was touched.
    """

    restarted: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    refused: bool = False


def has_gate(app: App) -> bool:
    """Whether another instance of the app can run beside its own, as one more of them.

    With ``reuse_port`` connections would wait for the extra one and be lost with it, and with
    ``increment_var`` it would have the variable of none of them.
    """
    return bool(app.listen) and not app.reuse_port and app.increment_var is None


def reload(
    session: Session,
    chosen: Sequence[Instance],
    apps: Mapping[str, StoredApp],
    *,
    parallel: int = 1,
) -> Rolled:
    """Reload instances, app by app; one that does not come up ends the reload of its app only."""
    members: dict[str, list[str]] = {}
    for one in chosen:
        members.setdefault(one.app, []).append(one.unit)
    done = [
        roll(session, apps[name].app, units, parallel=parallel) for name, units in members.items()
    ]
    return Rolled(
        tuple(unit for one in done for unit in one.restarted),
        tuple(failure for one in done for failure in one.failures),
        any(one.refused for one in done),
    )


def roll(session: Session, app: App, units: Sequence[str], *, parallel: int = 1) -> Rolled:
    """Restart units of one app, ``parallel`` at a time; the first that fails ends it."""
    restarted: list[str] = []
    with _gate(session, app, units) as refusals:
        if refusals:
            return Rolled(failures=tuple(refusals), refused=True)
        for first in range(0, len(units), parallel):
            some = units[first : first + parallel]
            counting.reset_failed(session, some, some)
            failures = bring_up(session, [Job("restart", unit) for unit in some])
            failed = {failure.unit for failure in failures}
            restarted += [unit for unit in some if unit not in failed]
            if failures:
                return Rolled(tuple(restarted), tuple(failures))
    return Rolled(tuple(restarted))


@contextmanager
def _gate(session: Session, app: App, units: Sequence[str]) -> Iterator[list[Failure]]:
    """Within it an extra instance runs; its failures where it does not come up."""
    if not has_gate(app) or not _any_runs(session, units):
        yield []
        return
    unit = names.instance(app.name, app.instances)
    try:
        with interruptible():
            extra.announce(unit)
            # One that ended well is not started again, and serves as little as one that failed.
            refusals = bring_up(session, [Job("start", unit)]) or gone(session, unit)
            yield [replace(one, why=f"{one.why}{_UNTOUCHED}") for one in refusals]
    finally:
        with uninterrupted():
            extra.remove(session.bus)


def _any_runs(session: Session, units: Sequence[str]) -> bool:
    return any(row.active == "active" for row in session.bus.units_by_name(units))
