"""Cron patterns as calendar events.

What is right is said by cronsim, a cron library; when a value elapses by systemd itself, through
``systemd-analyze calendar``. Nothing of pm2sd computes a date.
"""

from __future__ import annotations

import calendar
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

import pytest
from cronsim import CronSim

from pm2sd.ecosystem.cron import BadCron, parse_cron
from pm2sd.translate.cron import on_calendar

PATTERNS = 3000
DATES = 10
LAST_YEAR = 2199  # systemd looks no further (MAX_YEAR in calendarspec.c)
# No end of a month, of a week or of a leap year is far from one of these.
STARTS = ("2026-12-30 22:58:57", "2027-06-15 11:59:59", "2028-02-27 00:00:00")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze"
)


def values(pattern: str) -> tuple[str, ...]:
    return on_calendar(parse_cron(pattern))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("0 3 * * *", ["*-*-* 03:00:00"]),
        ("*/2 * * * * *", ["*-*-* *:*:00..58/2"]),
        ("5,10,20 1-3 * * *", ["*-*-* 01..03:05,10,20:00"]),
        ("0 0 * 1,3 *", ["*-01,03-* 00:00:00"]),
        ("0 0 13 * 5", ["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]),
        ("0 0 */2 * 5", ["Fri *-*-01..31/2 00:00:00"]),
        ("0 0 1-31 * 5", ["*-*-* 00:00:00"]),
        ("0 0 ? * MON-FRI", ["Mon,Tue,Wed,Thu,Fri *-*-* 00:00:00"]),
        ("0 0 * * 0-7", ["*-*-* 00:00:00"]),
        ("0 0 L * *", ["*-*~01 00:00:00"]),
        ("0 0 1,L * *", ["*-*-01 00:00:00", "*-*~01 00:00:00"]),
        ("0 0 L * 1", ["*-*~01 00:00:00", "Mon *-*-* 00:00:00"]),
        ("0 0 L * */7", ["Sun *-*~01 00:00:00"]),
        ("0 0 * * 5L", ["Fri *-*~07/1 00:00:00"]),
        ("0 0 * * 1#2,3", ["Wed *-*-* 00:00:00", "Mon *-*-08..14 00:00:00"]),
        ("0 0 */2 * 1#1", ["Mon *-*-01..07/2 00:00:00"]),
        ("2027-01-02T03:04:05Z", ["2027-01-02 03:04:05 UTC"]),
    ],
)
def test_values(pattern: str, expected: list[str]) -> None:
    assert list(values(pattern)) == expected


def elapses(wanted: Sequence[str], start: str) -> dict[str, list[str]]:
    """The next dates of each calendar event after ``start``, as systemd computes them."""
    done = subprocess.run(
        ["systemd-analyze", "calendar", f"--base-time={start}", f"--iterations={DATES}", *wanted],
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    blocks = done.stdout.strip().split("\n\n")
    dates = re.compile(r"(?:Next elapse|Iter\. #\d+|Iteration #\d+): \w+ (.*) UTC")
    return dict(zip(wanted, map(dates.findall, blocks), strict=True))


def disagreements(patterns: Iterable[str], start: str) -> list[tuple[object, ...]]:
    """The patterns whose next dates are not those of cronsim."""
    calendars = {pattern: values(pattern) for pattern in patterns}
    wanted = sorted({value for lines in calendars.values() for value in lines})
    found: dict[str, list[str]] = {}
    for at in range(0, len(wanted), 1000):
        found |= elapses(wanted[at : at + 1000], start)
    wrong: list[tuple[object, ...]] = []
    for pattern, lines in calendars.items():
        ours = sorted({date for line in lines for date in found[line]})[:DATES]
        dates = islice(CronSim(pattern.replace("?", "*"), datetime.fromisoformat(start)), DATES)
        theirs = [str(date) for date in dates if date.year <= LAST_YEAR]
        if ours != theirs:
            wrong.append((pattern, lines, ours, theirs))
    return wrong


FIELDS = (
    (range(60), ()),
    (range(60), ()),
    (range(24), ()),
    (range(1, 32), ()),
    (range(1, 13), calendar.month_abbr[1:]),
    (range(8), ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")),
)


def random_pattern(choose: random.Random) -> str:
    fields = [random_field(choose, *field) for field in FIELDS[choose.randrange(2) :]]
    if choose.random() < 0.2:
        fields[-3] = choose.choice(("L", "15,L", "L,1-3", "?"))
    if choose.random() < 0.2:
        fields[-1] = choose.choice(("?", "5L", "0L,3", "1#2", "4#5,TUE", "7#1", "sun#3"))
    return choose.choice((" ", "  ")).join(fields)


def random_field(choose: random.Random, numbers: range, words: Sequence[str]) -> str:
    if choose.random() < 0.35:
        return "*"
    count = choose.choice((1, 1, 1, 2, 3))
    return ",".join(random_item(choose, numbers, words) for _ in range(count))


def random_item(choose: random.Random, numbers: range, words: Sequence[str]) -> str:
    def spelled(number: int) -> str:
        if words and choose.random() < 0.4:
            word = words[number % 7 if len(words) == 7 else number - 1]
            return choose.choice((word, word.lower(), word.upper()))
        return str(number)

    step = f"/{choose.randint(1, len(numbers) // choose.randint(1, 4))}"
    low, high = sorted((choose.choice(numbers), choose.choice(numbers)))
    if high == 7 and len(words) == 7:
        high = 6  # spelled as a word it would be before any other day
    # cronsim takes 3-3/2 for 3/2; cron, and croner, for 3.
    low = min(low, high)
    step = step if low < high else ""
    match choose.randrange(5):
        case 0:
            return spelled(low)
        case 1:
            return f"{spelled(low)}-{spelled(high)}"
        case 2:
            return f"{spelled(low)}-{spelled(high)}{step}"
        case 3:
            return f"*{step}"
        case _:
            return f"{low}/{choose.randint(1, len(numbers))}"


def is_possible(pattern: str) -> bool:
    """Whether the pattern comes at all, and is not one of the few that timers cannot follow."""
    try:
        parse_cron(pattern)
    except BadCron as error:
        if not re.search("never comes|more than a timer", str(error)):
            raise
        return False
    return True


@needs_systemd
@pytest.mark.parametrize("start", STARTS)
def test_thousands_of_patterns_elapse_when_cron_says(start: str) -> None:
    choose = random.Random(start)
    made = {random_pattern(choose) for _ in range(PATTERNS)}
    patterns = {pattern for pattern in made if is_possible(pattern)}
    assert len(patterns) > 0.9 * PATTERNS
    assert disagreements(sorted(patterns), start) == []


@needs_systemd
def test_dates_that_are_years_apart() -> None:
    patterns = ["0 0 29 2 *", "0 0 29 2 */7", "0 12 31 */2 *", "59 59 23 31 12 *", "0 0 L 2 ?"]
    assert disagreements(patterns, STARTS[0]) == []


@needs_systemd
def test_the_comparison_notices_a_wrong_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        disagreements.__globals__, "values", lambda _: on_calendar(parse_cron("1 0 * * *"))
    )
    assert disagreements(["0 0 * * *"], STARTS[0])
