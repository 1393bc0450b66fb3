"""The restarts of a plan that are made one by one, and what an app that no longer starts undoes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pm2sd.control import boot, trial
from pm2sd.control.reload import goes_one_by_one, roll
from pm2sd.control.session import Session
from pm2sd.control.settle import Failure
from pm2sd.ecosystem.app import App
from pm2sd.plan.plan import AppChange, Plan


@dataclass(frozen=True, slots=True)
class Rolling:
    """What is left of a plan once some of its apps have been reloaded.

    ``owed`` are the units that were not restarted because one before them did not come up;
    ``as_before`` those of apps whose files were put back.
    """

    start: tuple[str, ...]
    restart: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    owed: frozenset[str] = frozenset()
    as_before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rollout:
    """An app whose running instances, all of a plan's that it restarts, go one by one."""

    change: AppChange
    app: App
    units: tuple[str, ...]


def rollouts(todo: Plan, apps: Sequence[App]) -> list[Rollout]:
    """The apps that ``roll_out`` reloads."""
    known = {app.name: app for app in apps if goes_one_by_one(app)}
    found = []
    for change in todo.changes:
        units = tuple(unit for unit in change.restart if unit in todo.restart)
        if change.name in known and units:
            found.append(Rollout(change, known[change.name], units))
    return found


def reopened(todo: Plan) -> list[AppChange]:
    """The apps that run and get other sockets: all of one goes down for it, then comes up anew."""
    starting = set(todo.start)
    return [one for one in todo.changes if one.restart and starting.issuperset(one.restart)]


def judge(session: Session, some: Sequence[AppChange], left: Rolling) -> Rolling:
    """Once all is started: make those of some apps of which nothing came up be as before."""
    failed = {failure.unit for failure in left.failures}
    for change in some:
        if not failed.issuperset((*change.restart, *change.start)):
            trial.passed(change.name)
        else:
            left = _take_back(session, change, left)
    return left


def roll_out(
    session: Session, todo: Plan, some: Sequence[Rollout], say: Callable[[str], None]
) -> Rolling:
    """Reload apps one after the other, before the rest of the plan.

    Of an app that does not come up the unit files are put back, and what was stopped is started
    again: it serves as before, and a crash does not bring up what is broken.
    """
    left = Rolling(todo.start, todo.restart)
    for one in some:
        left = _roll_one(session, one, left, say)
    return left


def _roll_one(session: Session, one: Rollout, left: Rolling, say: Callable[[str], None]) -> Rolling:
    name = one.app.name
    say(f"reloading {name}, one instance after the other")
    done = roll(session, one.app, one.units, passed=partial(trial.passed, name))
    if not done.refused:
        touched = {*done.restarted, *(failure.unit for failure in done.failures)}
        return replace(
            left,
            restart=tuple(unit for unit in left.restart if unit not in one.units),
            failures=(*left.failures, *done.failures),
            owed=left.owed | {unit for unit in one.units if unit not in touched},
        )
    left = replace(
        left,
        start=tuple(unit for unit in left.start if not boot.is_of(unit, name)),
        restart=tuple(unit for unit in left.restart if not boot.is_of(unit, name)),
        failures=(*left.failures, *done.failures),
    )
    return _take_back(session, one.change, left)


def _take_back(session: Session, change: AppChange, left: Rolling) -> Rolling:
    _, others = trial.take_back(session, change.name)
    as_before = "; its unit files are as before" if change.files else ""
    failures = (
        replace(one, why=one.why + as_before) if boot.is_of(one.unit, change.name) else one
        for one in left.failures
    )
    units = (*change.restart, *change.start)
    return replace(left, failures=(*failures, *others), as_before=left.as_before.union(units))
