"""Cron patterns: five fields, six with leading seconds, a macro, or one date.

The grammar is that of crontab(5) with the extensions of cronsim and of croner 4, the clock of PM2:
``L`` (the last day of the month), ``5L`` (its last Friday), ``1#2`` (its second Monday), ``?`` for
``*`` in the fields of days. Where both fields of days are restricted a day matches either, unless
one of them begins with a star (as Debian's cron; croner 4 wants both to match).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MACROS: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS: Final = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1))

_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(Z?)")
_FIELDS_HINT: Final = "a pattern has the fields minute, hour, day, month and weekday"


class BadCron(ValueError):
    """A pattern that is none, or that no timer of systemd can follow; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Days:
    """Which days match: any that one of the fields allows, or only those that both do.

    ``days`` are days of the month, ``last`` adds its last one. ``weekdays`` count from Sunday, 0;
    ``nth`` adds pairs of a weekday and its number in the month, ``last_weekdays`` the last of each.
    """

    days: frozenset[int]
    last: bool
    weekdays: frozenset[int]
    nth: frozenset[tuple[int, int]]
    last_weekdays: frozenset[int]
    either: bool


@dataclass(frozen=True, slots=True)
class Cron:
    """A pattern, understood: every field as the values that match."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    days: Days


@dataclass(frozen=True, slots=True)
class Once:
    """A single moment, ``2027-01-01T03:00:00`` of local time, or of UTC with a ``Z`` behind it."""

    date: str
    time: str
    utc: bool


@dataclass(frozen=True, slots=True)
class _Field:
    """``wraps``: its final value is another name of its first."""

    name: str
    first: int
    final: int
    words: Mapping[str, int]
    wraps: bool = False

    def values(self, text: str) -> frozenset[int]:
        """What a list of numbers, ranges and steps stands for."""
        return frozenset(value for item in text.split(",") for value in self._item(item))

    def _item(self, item: str) -> range:
        span, slash, step_text = item.partition("/")
        start, dash, end = span.partition("-")
        if span == "*":
            low, high = self.first, self.final
        else:
            low = self.number(start, item)
            high = self.number(end, item) if dash else self.final if slash else low
        if low > high == self.first and self.wraps:
            high = self.final
        if low > high:
            raise BadCron(
                f"the {self.name} range {item!r} ends before it begins",
                f"write it as two: {start}-{self.final},{self.first}-{end}",
            )
        return range(low, high + 1, self._step(step_text) if slash else 1)

    def _step(self, text: str) -> int:
        most = self.final - self.first + 1
        if not _is_number(text) or not 1 <= int(text) <= most:
            raise BadCron(
                f"{text!r} is no step for the {self.name}",
                f"steps are 1 to {most}, and start anew with each larger unit of time",
            )
        return int(text)

    def number(self, text: str, item: str) -> int:
        """A number, or its name."""
        value = self.words.get(text.lower())
        if value is None:
            if not _is_number(text):
                raise BadCron(f"{item!r} is no {self.name}", _foreign(item))
            value = int(text)
        if not self.first <= value <= self.final:
            raise BadCron(f"the {self.name} {value} is not within {self.first} to {self.final}")
        return value


_SECOND: Final = _Field("second", 0, 59, {})
_MINUTE: Final = _Field("minute", 0, 59, {})
_HOUR: Final = _Field("hour", 0, 23, {})
_DAY: Final = _Field("day of the month", 1, 31, {})
_MONTH: Final = _Field("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)})
_WEEKDAY: Final = _Field("weekday", 0, 7, {name: n for n, name in enumerate(_WEEKDAYS)}, True)


def is_cron(text: str) -> bool:
    """Whether a text is meant for a pattern, not for a calendar event of systemd.time(7)."""
    pattern = text.strip()
    return pattern.startswith("@") or len(pattern.split()) > 4 or bool(_DATE.fullmatch(pattern))


def parse_cron(text: str) -> Cron | Once:
    """A pattern, understood. Raises BadCron."""
    pattern = text.strip()
    if match := _DATE.fullmatch(pattern):
        return _once(match)
    if pattern.startswith("@"):
        pattern = _macro(pattern)
    fields = pattern.split()
    if len(fields) not in (5, 6):
        raise BadCron(
            f"{text!r} has {len(fields)} fields, not 5, or 6 with seconds first", _FIELDS_HINT
        )
    seconds, minutes, hours, day, month, weekday = fields if len(fields) == 6 else ("0", *fields)
    months = _MONTH.values(month)
    return Cron(
        seconds=_SECOND.values(seconds),
        minutes=_MINUTE.values(minutes),
        hours=_HOUR.values(hours),
        months=months,
        days=_days(day.replace("?", "*"), weekday.replace("?", "*"), months),
    )


def _once(match: re.Match[str]) -> Once:
    date, time, zone = match.groups()
    try:
        datetime.fromisoformat(f"{date}T{time}")
    except ValueError as error:
        raise BadCron(f"there is no such moment: {error}") from None
    return Once(date, time, bool(zone))


def _macro(text: str) -> str:
    macro = MACROS.get(text.lower())
    if macro is not None:
        return macro
    if text.lower() == "@reboot":
        raise BadCron("@reboot is no time", "apps start at boot anyway, unless autostart is false")
    raise BadCron(f"{text!r} is no macro", f"there are {', '.join(MACROS)}")


def _days(day: str, weekday: str, months: frozenset[int]) -> Days:
    items = day.split(",")
    plain = [item for item in items if item.lower() != "l"]
    days = _DAY.values(",".join(plain)) if plain else frozenset[int]()
    last = len(plain) < len(items)
    weekdays: set[int] = set()
    nth: set[tuple[int, int]] = set()
    last_weekdays: set[int] = set()
    for item in weekday.split(","):
        if match := re.fullmatch(r"(\w+)#([1-5])", item):
            nth.add((_WEEKDAY.number(match[1], item) % 7, int(match[2])))
        elif match := re.fullmatch(r"(\w+)l", item, re.IGNORECASE):
            last_weekdays.add(_WEEKDAY.number(match[1], item) % 7)
        else:
            weekdays |= {value % 7 for value in _WEEKDAY.values(item)}
    either = not (day.startswith("*") or weekday.startswith("*"))
    if not last and not either and min(days) > max(_LONGEST_MONTHS[month] for month in months):
        raise BadCron(f"the day {min(days)} is in none of its months: it never comes")
    if not either and _is_beyond(days, last, nth, last_weekdays):
        raise BadCron(
            f"the days {day!r} and weekdays {weekday!r} together are more than a timer can say",
            "write one of them as *",
        )
    return Days(days, last, frozenset(weekdays), frozenset(nth), frozenset(last_weekdays), either)


def _is_beyond(
    days: frozenset[int],
    last: bool,
    nth: set[tuple[int, int]],
    last_weekdays: set[int],
) -> bool:
    """Whether days that both fields must allow are counted from both ends of the month."""
    some = len(days) < 31
    return bool(last and (nth or last_weekdays)) or (some and bool(last_weekdays))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _foreign(item: str) -> str | None:
    """What to write for the words of other crons."""
    word = item.upper()
    if word.endswith("W"):
        return "the weekday nearest to a day (W) is more than systemd's timers can say"
    if word.endswith("#L"):
        return f"the last weekday of a month is written {word.partition('#')[0]}L"
    if word.startswith("H"):
        return "H is Jenkins's: write the number itself"
    if "?" in word:
        return "PM2 puts the moment at which it reads the pattern there; write the number itself"
    return None
