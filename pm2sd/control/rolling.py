"""The restarts of a plan that are made one by one, and what an app that no longer starts undoes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pm2sd.control import limits
from pm2sd.control.reload import has_gate, roll
from pm2sd.control.session import Session
from pm2sd.control.settle import Failure
from pm2sd.ecosystem.app import App
from pm2sd.plan.plan import AppChange, Plan
from pm2sd.units import names


@dataclass(frozen=True, slots=True)
class Rolling:
    """What is left of a plan once its apps with a gate have been reloaded.

    ``owed`` are the units that were not restarted because one before them did not come up.
    """

    start: tuple[str, ...]
    restart: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    owed: frozenset[str] = frozenset()


def roll_out(
    session: Session, todo: Plan, apps: Sequence[App], say: Callable[[str], None]
) -> Rolling:
    """Reload the apps with a gate among those that the plan restarts.

    Of an app that does not come up behind its gate the unit files are put back, and what was
    stopped is started again: it serves as before, and a crash does not bring up what is broken.
    """
    left = Rolling(todo.start, todo.restart)
    for change, app, units in _gated(todo, apps):
        left = _roll_one(session, todo, change, app, units, left, say)
    return left


def one_by_one(todo: Plan, apps: Sequence[App]) -> frozenset[str]:
    """The instances among the plan's restarts that ``roll_out`` makes, if it comes to that."""
    return frozenset(unit for _, _, units in _gated(todo, apps) for unit in units)


def _gated(todo: Plan, apps: Sequence[App]) -> Iterator[tuple[AppChange, App, list[str]]]:
    gated = {app.name: app for app in apps if has_gate(app)}
    for change in todo.changes:
        units = [unit for unit in change.restart if unit in todo.restart]
        if change.name in gated and units:
            yield change, gated[change.name], units


def _roll_one(
    session: Session,
    todo: Plan,
    change: AppChange,
    app: App,
    units: Sequence[str],
    left: Rolling,
    say: Callable[[str], None],
) -> Rolling:
    say(f"reloading {app.name}, one instance after the other")
    done = roll(session, app, units)
    left = replace(
        left, restart=tuple(unit for unit in left.restart if unit not in units)
    )  # fmt: skip
    if not done.refused:
        touched = {*done.restarted, *(failure.unit for failure in done.failures)}
        return replace(
            left,
            failures=(*left.failures, *done.failures),
            owed=left.owed | {unit for unit in units if unit not in touched},
        )
    _put_back(session, todo, change)
    again = [unit for unit in todo.stop if _is_of(unit, app.name)]
    as_before = "; its unit files are as before" if change.files else ""
    return Rolling(
        (*(unit for unit in left.start if not _is_of(unit, app.name)), *again),
        tuple(unit for unit in left.restart if not _is_of(unit, app.name)),
        (*left.failures, *(replace(one, why=one.why + as_before) for one in done.failures)),
        left.owed,
    )


def _put_back(session: Session, todo: Plan, change: AppChange) -> None:
    before = {path: todo.before[path] for path in change.files if path in todo.before}
    if change.files:
        session.directory.write(before)
        session.directory.remove(path for path in change.files if path not in before)
        session.bus.reload()
        limits.enforce(session, todo)


def _is_of(unit: str, app: str) -> bool:
    instance = names.parse_instance(unit)
    return names.is_auxiliary(unit, app) or (instance is not None and instance[0] == app)
