"""Instances that did not come up, with the last they said."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pm2sd.cli.output import paint, warn
from pm2sd.cli.plan_text import display
from pm2sd.control.settle import Failure

LINES = 10


def report(failures: Iterable[Failure]) -> None:
    """Each failure, why, and the instance's last lines."""
    from pm2sd.observe.last_words import last_words

    for failure in failures:
        warn(f"{paint('error:', 'red', sys.stderr)} {display(failure.unit)} {failure.why}")
        for line in last_words(failure.unit, LINES, failure.since):
            warn(f"  {paint('|', 'grey', sys.stderr)} {line}")
