"""The last error lines of an app's failed instances, those that say the same taken together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pm2sd.errors import Pm2sdError
from pm2sd.observe.log_sources import sources
from pm2sd.observe.logs import Filter, Logs
from pm2sd.observe.plain_text import without_controls
from pm2sd.plan.select import instances
from pm2sd.plan.stored import StoredApp

_READ: Final = 60
_SHOWN: Final = 3
_WIDTH: Final = 160

_TELLING: Final = re.compile(
    r"error|exception|fatal|panic|fail|denied|refused|cannot|can't|not found|no such|EADDR|"
    r"out of memory",
    re.IGNORECASE,
)
_FRAME: Final = re.compile(r"\s|at .*:\d|File \"|Node\.js v")
_NUMBERS: Final = re.compile(r"0x[0-9a-f]+|\d+", re.IGNORECASE)


def last_errors(apps: Mapping[str, StoredApp], name: str) -> tuple[str, ...]:
    """The kinds of lines an app said last, each with how often; nothing where none can be read."""
    chosen = instances([apps[name]])
    try:
        for wanted in (
            Filter(lines=_READ, streams=("err",), messages=False),
            Filter(lines=_READ, streams=("out",), messages=False),
        ):
            with Logs(sources(apps, chosen, wanted.streams), wanted) as logs:
                said = [line.text for line in logs.history(complete=True)]
            if any(text.strip() for text in said):
                return grouped(said)
    except Pm2sdError:
        pass
    return ()


def grouped(texts: Iterable[str], count: int = _SHOWN) -> tuple[str, ...]:
    """The last kinds of lines among some, the most telling ones, with how often each was said.

    Lines that differ by their numbers only are of a kind. Frames of a stack are no lines of their
    own, unless there is nothing else.
    """
    whole = (without_controls(text) for text in texts)
    lines = [line.rstrip() for text in whole for line in text.split("\n") if line.strip()]
    plain = [line for line in lines if not _FRAME.match(line)] or lines
    telling = [line for line in plain if _TELLING.search(line)] or plain
    kinds: dict[str, tuple[int, str]] = {}
    for line in telling:
        kind = _NUMBERS.sub("0", line)
        times, _ = kinds.pop(kind, (0, ""))
        kinds[kind] = (times + 1, line)
    return tuple(
        (f"{times}x " if times > 1 else "")
        + (line if len(line) <= _WIDTH else f"{line[:_WIDTH]}...")
        for times, line in list(kinds.values())[-count:]
    )
