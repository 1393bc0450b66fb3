"""Instances that did not come up, with the last they said."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from pm2sd.cli.output import advise, paint, warn
from pm2sd.control.settle import Failure
from pm2sd.units.names import display

LINES = 10


def report(failures: Iterable[Failure]) -> None:
    """Each failure, why, the instance's last lines, and what they call for."""
    from pm2sd.observe import needed, taken_port, unready
    from pm2sd.observe.last_words import last_words
    from pm2sd.observe.logs import SETTLED_SECONDS

    told = list(failures)
    if told:
        time.sleep(SETTLED_SECONDS)  # the journal gets the last lines a moment after the end
    for failure in told:
        warn(f"{paint('error:', 'red', sys.stderr)} {display(failure.unit)} {failure.why}")
        lines = last_words(failure.unit, LINES, failure.since)
        for line in lines:
            warn(f"  {paint('|', 'grey', sys.stderr)} {line}")
        hint = (
            taken_port.advice(failure.unit, lines)
            or unready.advice(failure.unit, failure.why)
            or needed.advice(failure.unit)
        )
        if hint:
            advise(hint)
