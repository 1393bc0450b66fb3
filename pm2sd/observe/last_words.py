"""The last an instance said, to be shown with its failure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Final

from pm2sd.observe.known import Known
from pm2sd.observe.log_sources import sources
from pm2sd.observe.logs import Filter, Logs
from pm2sd.observe.plain_text import without_controls
from pm2sd.plan.select import Instance
from pm2sd.systemd.exits import Message
from pm2sd.systemd.journal import Query, entries
from pm2sd.translate.logs import SYSTEMD_CAT
from pm2sd.units import names

_MORE: Final = 3
"""So many times the lines that are shown are read: a stack may be longer than what is shown."""

_ERROR: Final = re.compile(r"(?:Uncaught )?[\w.]*(?:Error|Exception)\b.*:")
"""How the line begins that says what went wrong, in Node and in Python."""


def last_words(unit: str, count: int, since: float = 0) -> list[str]:
    """The last lines an instance printed, or else what systemd said about it; oldest first.

    Those from before ``since``, in seconds since 1970, are of another run, as are those that it
    printed when it was stopped to be started again; of lines in files nobody knows. Colours and
    other control sequences are taken out. If the line that says what went wrong is further up, it
    comes first.
    Nothing for units that are no instances of a known app. Raises Pm2sdError.
    """
    parsed = names.parse_instance(unit)
    apps = Known.read().stored.apps
    if parsed is None or parsed[0] not in apps:
        return []
    app, number = parsed
    chosen = [Instance(app, number, -1, unit)]
    begun = _started_since(unit, since) if since else 0.0
    for wanted in (
        Filter(lines=_MORE * count, messages=False),
        Filter(lines=count, streams=()),
    ):
        with Logs(sources(apps, chosen, wanted.streams), wanted) as logs:
            found = [
                line
                for line in logs.history(complete=True)
                if line.time is None or line.time >= begun
            ]
        spoke = any(line.time is not None for line in found)
        if since and not spoke and (refused := _not_executed(unit, begun)):
            return [refused]
        if found:
            text = without_controls("\n".join(line.text for line in found))
            return _last(text.split("\n"), count)
    return []


def _started_since(unit: str, since: float) -> float:
    """When the manager first began to start the unit after a time; that time, if it did not."""
    query = Query(units=(unit,), message_ids=(Message.STARTING,), since=f"@{since:.6f}")
    return next((entry.realtime_usec / 1e6 for entry in entries(query)), since)


def _not_executed(unit: str, since: float) -> str:
    """Why systemd-cat could not execute the program of an instance that said nothing, if so.

    Of a process that has ended when journald looks, no unit is known: it may be another's, but for
    the silence.
    """
    query = Query(identifiers=(posixpath.basename(SYSTEMD_CAT),), since=f"@{since:.6f}")
    said = [entry.message for entry in entries(query) if entry.unit in (unit, "")]
    return said[-1] if said else ""


def _last(lines: Sequence[str], count: int) -> list[str]:
    """The last lines, with the last one that names an error among them."""
    tail = list(lines[-count:])
    errors = [line for line in lines if _ERROR.match(line)]
    if not errors or any(_ERROR.match(line) for line in tail):
        return tail
    return [errors[-1], "...", *tail[2:]]
