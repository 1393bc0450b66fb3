"""Whether what was started stays up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Final

from pm2sd.control.loading import Loading
from pm2sd.control.running import started
from pm2sd.control.session import Session
from pm2sd.errors import Pm2sdError
from pm2sd.observe.status import WAITING
from pm2sd.systemd import pending, scope
from pm2sd.systemd.bus import Job
from pm2sd.systemd.exits import last_exit
from pm2sd.systemd.results import CODES, Ending, ending
from pm2sd.units import names

SETTLE_SECONDS = 1.5
"""How long a started app must stay up: long enough for Node to load a program and throw."""

_LOADING_SECONDS = 5.0

_POLL_SECONDS = 0.1

_HELD_UP_SECONDS = 2 * _POLL_SECONDS
"""What of the time between two looks counts at most: a machine that is slower than that, or stood
still, has not given it to what was started either."""


# Longer than any TimeoutStartSec or TimeoutStopSec an app is likely to have: the manager gives up
# first and says why.
JOB_SECONDS = 300.0


# UnitError.reason of what systemd would not even try -> what to tell people.
_REFUSED: Final = {
    "masked": "is masked: systemctl --user unmask {unit}",
    "no-such-unit": "has no unit file any more: apply its ecosystem file again",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An instance that did not come up, or go down, and why; ``mild``: it did, but not well.

    What it printed about it came after ``since``, in seconds since 1970.
    """

    unit: str
    why: str
    mild: bool = False
    since: float = 0


def bring_up(session: Session, jobs: Sequence[Job], *, for_good: bool = False) -> list[Failure]:
    """Run jobs that start units, then watch the instances among them settle.

    systemd does not end the job of a service that it starts again and again, nor of what is
    ordered after it; the first failed start is what the user waits for. ``for_good``: an instance
    that ended well has failed, too.
    """
    since = time.time()
    asked = [job.unit for job in jobs]
    results = session.bus.run_jobs(
        jobs, JOB_SECONDS, lambda queued: _foreseen(session, asked, queued)
    )
    failures = failures_of_jobs(session, {job.unit: how for job, how in results.items()})
    failed = {failure.unit for failure in failures}
    services = [job.unit for job in jobs if names.parse_instance(job.unit)]
    failures += settle(session, [unit for unit in services if unit not in failed])
    if for_good and not failures:
        failures = _gone(session, services, since)
    return [replace(failure, since=since) for failure in failures]


def _foreseen(session: Session, asked: Sequence[str], queued: Sequence[str]) -> dict[str, str]:
    """The results of jobs that will not end soon: of failing services, and of what waits for them.

    ``queued`` are those of the units that were ``asked`` for whose jobs have not ended: the job of
    a failing one may have, and each new start has a new one. An app's target will be ``done`` all
    the same; an instance that waits is ``blocked``.
    """
    failing = _failing(session, asked)
    ends = dict.fromkeys(failing, "failed")
    left = [unit for unit in queued if unit not in ends]
    after = {unit: session.bus.get(unit, "Unit", "After") for unit in left} if ends else {}
    # An order holds while the first has a job; what only crashes again and again has none.
    late = {unit for unit in failing if session.bus.get(unit, "Unit", "Job")[0]}
    while waiting := [unit for unit, first in after.items() if not late.isdisjoint(first)]:
        for unit in waiting:
            ends[unit] = "blocked" if names.parse_instance(unit) else "done"
            late.add(unit)
            del after[unit]
    return ends


def _failing(session: Session, units: Sequence[str]) -> list[str]:
    """Which services, being started, have failed to come up at least once."""
    services = [unit for unit in units if unit.endswith(".service")]
    return [
        row.name
        for row in session.bus.units_by_name(services)
        if row.sub in WAITING
        or (row.active == "activating" and session.bus.get(row.name, "Service", "NRestarts"))
    ]


def failures_of_jobs(session: Session, results: Mapping[str, str]) -> list[Failure]:
    """The units (unit -> job result) whose job did not end well."""
    failures = []
    for unit, result in results.items():
        if result in ("done", "skipped"):
            continue
        if result == "timeout":
            why = "did not finish in time; gave up waiting"
        elif result == "blocked":
            why = "is not started yet: what it depends on has failed to start"
        elif result == "failed" and unit.endswith(".service"):
            why = _how(unit, ending(session.bus, unit))
        elif result in _REFUSED:
            why = scope.here(_REFUSED[result].format(unit=quote(unit)))
        else:
            why = f"systemd says: {result}"
        failures.append(Failure(unit, why))
    return failures


def settle(
    session: Session, units: Sequence[str], seconds: float = SETTLE_SECONDS
) -> list[Failure]:
    """Watch just-started instances for some seconds; those that went down, with the reason.

    An instance that ended well and is not to be restarted (``autorestart: false``,
    ``stop_exit_codes``) did what it was for. One whose processes are being stopped for the first
    time will be down, or started again: that is waited for. Where instances may be in each other's
    way, they are watched until they are loaded, for some seconds more.
    """
    left, before = seconds, time.monotonic()
    loading = Loading(session, units)
    down: dict[str, str] = {}
    while True:
        rows = session.bus.units_by_name([unit for unit in units if unit not in down])
        for row in rows:
            if row.active == "failed" or row.sub in WAITING:
                down[row.name] = _why(row.name, ending(session.bus, row.name))
        now = time.monotonic()
        left, before = left - min(now - before, _HELD_UP_SECONDS), now
        goes_on = loading.goes_on() and left > -_LOADING_SECONDS
        goes_on |= left > -JOB_SECONDS and any(
            row.active == "deactivating" and not session.bus.get(row.name, "Service", "NRestarts")
            for row in rows
        )
        if len(down) == len(units) or (left <= 0 and not goes_on):
            break
        time.sleep(min(left, _POLL_SECONDS) if left > 0 else _POLL_SECONDS)
    for unit in units:
        if unit not in down and session.bus.get(unit, "Service", "NRestarts"):
            down[unit] = _why(unit, ending(session.bus, unit))
    return [Failure(unit, down[unit]) for unit in units if unit in down]


def _gone(session: Session, units: Sequence[str], since: float) -> list[Failure]:
    """Those that were started at ``since`` and do not run any more, however well they ended."""
    return [
        Failure(row.name, _why(row.name, ending(session.bus, row.name), since))
        for row in session.bus.units_by_name(units)
        if row.active != "active"
    ]


def not_up(session: Session, units: Sequence[str]) -> list[Failure]:
    """Those of some instances that went down by themselves and are not up again.

    One that systemd started again only now is watched as one that was just started: it may be down
    at once. Where systemd restarted nothing lately, nothing is waited for.
    """
    deadline = time.monotonic() + JOB_SECONDS
    failures: list[Failure] = []
    before: dict[str, int] = {}
    watched = list(units)
    while watched and time.monotonic() < deadline:
        if before:
            time.sleep(_POLL_SECONDS)
        rows = session.bus.units_by_name(watched)
        watched = []
        for row in rows:
            restarts = session.bus.get(row.name, "Service", "NRestarts")
            again = restarts > before.setdefault(row.name, restarts)
            if again or row.active == "failed" or row.sub in WAITING:
                last = ending(session.bus, row.name)
                failures.append(
                    Failure(row.name, f"is down: {_how(row.name, last)}{_so_far(last)}")
                )
            elif restarts and (row.active == "activating" or _is_young(session, row.name)):
                watched.append(row.name)
    return failures


def _is_young(session: Session, unit: str) -> bool:
    return pending.now() - started(session, unit) < SETTLE_SECONDS * 1e6


def _why(unit: str, last: Ending, since: float = 0) -> str:
    return f"{_how(unit, last, since)} right after its start{_so_far(last)}"


def _so_far(last: Ending) -> str:
    if not last.restarts:
        return ""
    times = "once" if last.restarts == 1 else f"{last.restarts} times"
    return f"; systemd restarted it {times} so far"


def _how(unit: str, last: Ending, since: float = 0) -> str:
    awaited = last.awaited
    if not last.code or last.unfinished:
        last = _from_journal(unit, since) or last
    if last.result == "timeout" and (awaited or not last.was_killed):
        # Of a start only readiness takes its time; else it ended, and others of its group did not.
        last = replace(last, result="unready" if awaited else "leftovers")
    return str(last)


def _from_journal(unit: str, since: float) -> Ending | None:
    """How an instance ended that was started again, or forgotten, before it could be asked.

    Of one that ended well, and is forgotten at once, the journal has earlier ends alone.
    """
    try:
        last = last_exit(unit)
    except Pm2sdError:
        return None
    if last is None or last.realtime_usec < since * 1e6:
        return None
    if last.status is None and last.result == "success":
        return None
    return Ending(last.result, CODES.get(last.code, 0), last.status or 0, 0)
