"""Cron patterns -> the values of ``OnCalendar=``, the union of which is the pattern.

systemd.time(7): a range is ``a..b/step``, ``~`` counts days from the end of the month, weekdays
and date must both match; so days that either field of a pattern allows are several values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pm2sd.ecosystem.cron import Cron, Days, Once

_WEEKDAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_ALL_DAYS: Final = range(1, 32)
_ANY_DAY: Final = "-*"
_LAST_DAY: Final = "~01"
_LAST_WEEK: Final = "~07/1"


def on_calendar(cron: Cron | Once) -> tuple[str, ...]:
    """The values, for a timer in the local time zone."""
    if isinstance(cron, Once):
        return (f"{cron.date} {cron.time}{' UTC' if cron.utc else ''}",)
    month = _numbers(cron.months, range(1, 13))
    time = ":".join(
        (
            _numbers(cron.hours, range(24)),
            _numbers(cron.minutes, range(60)),
            _numbers(cron.seconds, range(60)),
        )
    )
    return tuple(f"{weekday}*-{month}{day} {time}" for weekday, day in _dates(cron.days))


def _dates(days: Days) -> list[tuple[str, str]]:
    """Pairs of a list of weekdays and the days of the month, each as text."""
    of_month = _days_of_month(days)
    if not days.either:
        return [pair for day in of_month for pair in _of_week(days, day)]
    found = [*(("", day) for day in of_month), *_of_week(days, _ANY_DAY)]
    return [("", _ANY_DAY)] if ("", _ANY_DAY) in found else found


def _days_of_month(days: Days) -> list[str]:
    found = [f"-{_numbers(days.days, _ALL_DAYS)}"] if days.days else []
    return found + ([_LAST_DAY] if days.last and len(days.days) < len(_ALL_DAYS) else [])


def _of_week(days: Days, day: str) -> list[tuple[str, str]]:
    """The days of the week, on some days of the month."""
    found = []
    if days.weekdays:
        found.append((_weekdays(days.weekdays), day))
    among = set(_ALL_DAYS) if days.either else days.days
    for weekday, number in sorted(days.nth):
        week = {*range(7 * number - 6, 7 * number + 1)} & among
        if week:
            found.append((_weekdays({weekday}), f"-{_numbers(week, _ALL_DAYS)}"))
    if days.last_weekdays:
        found.append((_weekdays(days.last_weekdays), _LAST_WEEK))
    return found


def _weekdays(numbers: Iterable[int]) -> str:
    """``Mon,Fri`` and a blank; empty for every day."""
    wanted = set(numbers)
    if len(wanted) == 7:
        return ""
    # systemd's week begins on Monday.
    return ",".join(_WEEKDAYS[n % 7] for n in range(1, 8) if n % 7 in wanted) + " "


def _numbers(wanted: Iterable[int], possible: range) -> str:
    """``*``, ``02..10/2`` or ``01,05``."""
    numbers = sorted(wanted)
    if numbers == list(possible):
        return "*"
    if len(numbers) > 2:
        step = numbers[1] - numbers[0]
        if numbers == list(range(numbers[0], numbers[-1] + 1, step)):
            return f"{numbers[0]:02}..{numbers[-1]:02}" + (f"/{step}" if step > 1 else "")
    return ",".join(f"{number:02}" for number in numbers)
