"""The date formats of ``log_date_format``: the tokens of day.js, which PM2 stamps lines with."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final

TIMESTAMP: Final = "YYYY-MM-DD-HH:mm:ss"
"""The format of ``logs --timestamp`` (PM2: lib/binaries/CLI.js)."""

# The tokens of day.js, https://day.js.org/docs/en/display/format; text in brackets is literal.
_TOKEN: Final = re.compile(
    r"\[([^\]]+)\]|YYYY|YY|M{1,4}|D{1,2}|d{1,4}|H{1,2}|h{1,2}|a|A|m{1,2}|s{1,2}|SSS|Z{1,2}"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS: Final = (
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
)  # fmt: skip


def _weekday(moment: datetime) -> int:
    return moment.isoweekday() % 7


def _hour12(moment: datetime) -> int:
    return moment.hour % 12 or 12


def _zone(moment: datetime) -> str:
    return moment.strftime("%z")[:5]


_FORMATS: Final[dict[str, Callable[[datetime], str]]] = {
    "YYYY": lambda t: f"{t.year:04}",
    "YY": lambda t: f"{t.year % 100:02}",
    "M": lambda t: str(t.month),
    "MM": lambda t: f"{t.month:02}",
    "MMM": lambda t: _MONTHS[t.month - 1][:3],
    "MMMM": lambda t: _MONTHS[t.month - 1],
    "D": lambda t: str(t.day),
    "DD": lambda t: f"{t.day:02}",
    "d": lambda t: str(_weekday(t)),
    "dd": lambda t: _DAYS[_weekday(t)][:2],
    "ddd": lambda t: _DAYS[_weekday(t)][:3],
    "dddd": lambda t: _DAYS[_weekday(t)],
    "H": lambda t: str(t.hour),
    "HH": lambda t: f"{t.hour:02}",
    "h": lambda t: str(_hour12(t)),
    "hh": lambda t: f"{_hour12(t):02}",
    "a": lambda t: "am" if t.hour < 12 else "pm",
    "A": lambda t: "AM" if t.hour < 12 else "PM",
    "m": lambda t: str(t.minute),
    "mm": lambda t: f"{t.minute:02}",
    "s": lambda t: str(t.second),
    "ss": lambda t: f"{t.second:02}",
    "SSS": lambda t: f"{t.microsecond // 1000:03}",
    "Z": lambda t: f"{_zone(t)[:3]}:{_zone(t)[3:]}",
    "ZZ": _zone,
}


def format_date(pattern: str, timestamp: float) -> str:
    """A moment (seconds since the epoch) in local time, by a pattern of day.js."""
    moment = datetime.fromtimestamp(timestamp).astimezone()
    return "".join(part if isinstance(part, str) else part(moment) for part in _compiled(pattern))


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> tuple[str | Callable[[datetime], str], ...]:
    parts: list[str | Callable[[datetime], str]] = []
    end = 0
    for token in _TOKEN.finditer(pattern):
        parts.append(pattern[end : token.start()])
        parts.append(token[1] or _FORMATS[token[0]])
        end = token.end()
    return (*parts, pattern[end:])
