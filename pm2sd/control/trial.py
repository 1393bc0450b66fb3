"""New unit files on trial: they stay once an instance has come up with them, or else go back.

Whatever ends an apply before that (an app that does not come up, Ctrl-C, an error) puts back the
files and starts again with them what was stopped or started since; after a ``kill -9`` the next
command does. So a crash does not bring up what nobody has seen running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pm2sd.control import boot, counting, limits
from pm2sd.control.interruption import interruptible, uninterrupted
from pm2sd.control.running import DOWN, started
from pm2sd.control.session import Session
from pm2sd.control.settle import JOB_SECONDS, Failure, bring_up
from pm2sd.plan.plan import AppChange, Plan
from pm2sd.systemd import pending, trials
from pm2sd.systemd.bus import Job, UnitRow
from pm2sd.systemd.trials import Trial
from pm2sd.units import names


@contextmanager
def trying(
    session: Session, todo: Plan, changes: Sequence[AppChange], say: Callable[[str], None]
) -> Iterator[None]:
    """Within it the new files of some of a plan's apps are on trial until they ``passed``."""
    if not changes:
        yield
        return
    with interruptible():
        owed, since = pending.load(), pending.now()
        trials.save({one.name: _trial(todo, one, owed, since) for one in changes})
        try:
            yield
        except BaseException:
            with uninterrupted():
                _, failures = take_back(session)
                for one in failures:
                    say(f"{names.display(one.unit)} {one.why}")
            raise
        trials.save({})


def _trial(todo: Plan, change: AppChange, owed: Mapping[str, int], since: int) -> Trial:
    stopped = [unit for unit in todo.stop if boot.is_of(unit, change.name)]
    started = [unit for unit in todo.start if boot.is_of(unit, change.name)]
    return Trial(
        files={path: todo.before.get(path) for path in change.files},
        instances=[unit for unit in change.restart if unit not in stopped],
        stopped=stopped,
        added=[unit for unit in started if unit not in stopped],
        owed={unit: when for unit, when in owed.items() if boot.is_of(unit, change.name)},
        since=since,
    )


def passed(app: str) -> None:
    """The app's new files stay."""
    trials.save({name: trial for name, trial in trials.load().items() if name != app})


def take_back(session: Session, app: str | None = None) -> tuple[list[str], list[Failure]]:
    """Make an app, or all that are on trial, be as before; which, and what did not come up."""
    noted = trials.load()
    some = {name: trial for name, trial in noted.items() if app in (None, name)}
    if not some:
        return [], []
    since = [unit for trial in some.values() for unit in (*trial.stopped, *trial.added)]
    session.bus.run_jobs([Job("stop", row.name) for row in _up(session, since)], JOB_SECONDS)
    for trial in some.values():
        changed = {
            path: text
            for path, text in trial.files.items()
            if session.directory.read(path) != text  # a full disk must not stand in the way
        }
        session.directory.write({path: text for path, text in changed.items() if text is not None})
        session.directory.remove(path for path, text in changed.items() if text is None)
    session.bus.reload()
    limits.enforce(session, some)
    left = {
        unit: when
        for unit, when in pending.load().items()
        if not any(boot.is_of(unit, name) for name in some)
    }
    pending.owe(left | {unit: when for trial in some.values() for unit, when in trial.owed.items()})
    failures = bring_up(session, [job for trial in some.values() for job in _jobs(session, trial)])
    known = session.stored().apps
    boot.follow(session, [known[name] for name in some if name in known])
    trials.save({name: trial for name, trial in noted.items() if name not in some})
    return list(some), failures


def _up(session: Session, units: Sequence[str]) -> list[UnitRow]:
    return [row for row in session.bus.units_by_name(units) if row.active not in DOWN]


def _jobs(session: Session, trial: Trial) -> list[Job]:
    """What brings up the units that were stopped or, by a crash too, started since the note."""
    tried = [unit for unit in trial.instances if started(session, unit) > trial.since]
    counting.reset_failed(session, [*trial.stopped, *tried])
    return [
        *(Job("start", unit) for unit in trial.stopped),
        *(Job("restart", unit) for unit in tried),
    ]
