from __future__ import annotations

import pytest

from pm2sd.cli.human import duration, percent, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "0"),
        (0, "0s"),
        (98.9, "98s"),
        (119.9, "119s"),
        (120, "2m"),
        (119 * 60 + 59, "119m"),
        (2 * 3600, "2h"),
        (47 * 3600, "47h"),
        (2 * 86_400, "2D"),
        (59 * 86_400, "59D"),
        (60 * 86_400, "2M"),
        (2 * 365 * 86_400, "2Y"),
    ],
)
def test_duration_is_in_the_largest_unit_of_which_there_are_two(
    seconds: float | None, text: str
) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "0b"),
        (0, "0b"),
        (1023, "1023b"),
        (1024, "1.0kb"),
        (54_001_664, "51.5mb"),
        (3 << 29, "1.5gb"),
    ],
)
def test_size_is_1024_based(count: int | None, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "0%"), (0.0, "0%"), (0.25, "0.2%"), (100.0, "100%"), (12.34, "12.3%")],
)
def test_percent_has_one_decimal(value: float | None, text: str) -> None:
    assert percent(value) == text
