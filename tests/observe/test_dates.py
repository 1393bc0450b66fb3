from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pm2sd.observe.dates import format_date

MOMENT = datetime(2026, 1, 4, 15, 6, 7, 89_000, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "<+0530>-5:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# What day.js 1.11 makes of 2026-01-04T20:36:07.089+05:30.
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("YYYY-MM-DDTHH:mm:ss", "2026-01-04T20:36:07"),
        ("YYYY-MM-DD HH:mm:ss.SSS Z", "2026-01-04 20:36:07.089 +05:30"),
        ("YY/M/D H:m:s ZZ", "26/1/4 20:36:7 +0530"),
        ("dddd ddd dd d, MMMM MMM", "Sunday Sun Su 0, January Jan"),
        ("hh:mm A h a", "08:36 PM 8 pm"),
        ("[at] HH[h]", "at 20h"),
        ("[YYYY] YYYY", "YYYY 2026"),
        ("no tokens: %Y %", "no token7: %Y %"),
        ("", ""),
    ],
)
def test_patterns_of_dayjs(pattern: str, text: str) -> None:
    assert format_date(pattern, MOMENT) == text
