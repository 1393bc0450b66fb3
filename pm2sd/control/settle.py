"""Whether what was started stays up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pm2sd.control.session import Session
from pm2sd.errors import Pm2sdError
from pm2sd.systemd.exits import last_exit
from pm2sd.systemd.results import Ending, ending, exit_words

SETTLE_SECONDS = 1.5
"""How long a started app must stay up: long enough for Node to load a program and throw."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Failure:
    """An instance that did not come up, and why."""

    unit: str
    why: str


def failures_of_jobs(session: Session, results: Mapping[str, str]) -> list[Failure]:
    """The units (unit -> job result) whose job did not end well."""
    failures = []
    for unit, result in results.items():
        if result in ("done", "skipped"):
            continue
        if result == "timeout":
            why = "is still being started; gave up waiting"
        elif result == "failed" and unit.endswith(".service"):
            why = str(ending(session.bus, unit))
        else:
            why = f"systemd says: {result}"
        failures.append(Failure(unit, why))
    return failures


def settle(
    session: Session, units: Sequence[str], seconds: float = SETTLE_SECONDS
) -> list[Failure]:
    """Watch just-started instances for some seconds; those that went down, with the reason.

    An instance that ended well and is not to be restarted (``autorestart: false``,
    ``stop_exit_codes``) did what it was for.
    """
    deadline = time.monotonic() + seconds
    down: dict[str, str] = {}
    while True:
        for row in session.bus.units_by_name([unit for unit in units if unit not in down]):
            if row.active == "failed" or row.sub == "auto-restart":
                down[row.name] = _why(row.name, ending(session.bus, row.name))
        left = deadline - time.monotonic()
        if left <= 0 or len(down) == len(units):
            break
        time.sleep(min(left, _POLL_SECONDS))
    for unit in units:
        if unit not in down and session.bus.get(unit, "Service", "NRestarts"):
            down[unit] = _why(unit, ending(session.bus, unit))
    return [Failure(unit, down[unit]) for unit in units if unit in down]


def _why(unit: str, last: Ending) -> str:
    how = str(last) if last.code else _from_journal(unit) or str(last)
    if last.restarts:
        times = "once" if last.restarts == 1 else f"{last.restarts} times"
        return f"{how} right after its start; systemd restarted it {times} so far"
    return f"{how} right after its start"


def _from_journal(unit: str) -> str:
    """How an instance ended that was started again before it could be asked."""
    try:
        last = last_exit(unit)
    except Pm2sdError:
        return ""
    if last is None or last.status is None:
        return ""
    return exit_words(last.code, last.status)
