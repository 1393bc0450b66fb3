"""Reload: instances one after the other, each ready before the next, and behind a gate where one
can be had.

The gate: the instances of an app with sockets of its unit stand in for each other, so an extra one
can be started beside them. Only once it is up and has settled is the first of the others touched.
An app that no longer starts leaves all its instances as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from pm2sd.control import counting, extra
from pm2sd.control.interruption import interruptible, uninterrupted
from pm2sd.control.session import Session
from pm2sd.control.settle import Failure, bring_up
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

    ``refused``: nothing did. Where there is an extra instance no other was touched, else the first.
    """

    restarted: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    refused: bool = False


def has_gate(app: App) -> bool:
    """Whether another instance of the app can run beside its own, as one more of them.

    With ``increment_var`` it would have the variable of none of them, a port of somebody else's
    maybe.
    """
    return bool(app.listen) and app.increment_var is None


def goes_one_by_one(app: App) -> bool:
    """Whether a change of the app is rolled out: its instances serve, and stand in for each other.

    Of what has one instance without a gate, and of workers, all are restarted at once.
    """
    return has_gate(app) or (app.increment_var is not None and app.instances > 1)


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
    with interruptible():
        done = [
            roll(session, apps[name].app, units, parallel=parallel)
            for name, units in members.items()
        ]
    return Rolled(
        tuple(unit for one in done for unit in one.restarted),
        tuple(failure for one in done for failure in one.failures),
    )


def roll(
    session: Session,
    app: App,
    units: Sequence[str],
    *,
    parallel: int = 1,
    passed: Callable[[], None] = lambda: None,
) -> Rolled:
    """Restart units of one app, ``parallel`` at a time; the first that fails ends it.

    ``passed`` is called once it is known that the app comes up.
    """
    restarted: list[str] = []
    with _gate(session, app, units) as gate:
        if gate.refusals:
            return Rolled(failures=gate.refusals, refused=True)
        if gate.there:
            passed()
        for first in range(0, len(units), parallel):
            some = units[first : first + parallel]
            counting.reset_failed(session, some, some)
            failures = bring_up(session, [Job("restart", unit) for unit in some])
            failed = {failure.unit for failure in failures}
            restarted += [unit for unit in some if unit not in failed]
            if failures:
                refused = not (gate.there or restarted)
                return Rolled(tuple(restarted), tuple(failures), refused)
            if not (gate.there or first):
                passed()
    return Rolled(tuple(restarted))


@dataclass(frozen=True, slots=True)
class _Gate:
    """Whether there is an extra instance, and why it did not come up where it did not."""

    there: bool
    refusals: tuple[Failure, ...] = ()


@contextmanager
def _gate(session: Session, app: App, units: Sequence[str]) -> Iterator[_Gate]:
    """Within it an extra instance runs, if one can and one that would be restarted does."""
    serving = [row.name for row in session.bus.units_by_name(units) if row.active == "active"]
    if not (has_gate(app) and serving):
        yield _Gate(there=False)
        return
    unit = names.instance(app.name, app.instances)
    try:
        extra.announce(session, unit, beside=serving[0] if app.reuse_port else None)
        # One that ended well is not started again, and serves as little as one that failed.
        refusals = bring_up(session, [Job("start", unit)], for_good=True)
        yield _Gate(True, tuple(replace(one, why=f"{one.why}{_UNTOUCHED}") for one in refusals))
    finally:
        with uninterrupted():
            extra.remove(session.bus)
