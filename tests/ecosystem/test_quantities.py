from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pm2sd.ecosystem.quantities import (
    LARGEST_SIZE,
    LONGEST_DURATION,
    parse_duration,
    parse_number,
    parse_size,
    show_duration,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1600", 1600),
        ("500ms", 500),
        ("10s", 10_000),
        ("1.5s", 1500),
        (".5s", 500),
        ("2m", 120_000),
        ("1h", 3_600_000),
        (" 10 s ", 10_000),
        ("0", 0),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "s", "10S", "10 min", "-1s", "1e3s", "10s10", "1..5s", "٣s", "600h"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|too large"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024", 1024),
        ("100K", 100 * 1024),
        ("500M", 500 * 2**20),
        ("500m", 500 * 2**20),
        ("1G", 2**30),
        ("1.5G", 3 * 2**29),
        ("300MB", 300 * 2**20),
        ("1GiB", 2**30),
        ("1 gib", 2**30),
        ("2T", 2**41),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1M", "1e3", "1P", "300MM", "1,5G", "9999999T"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|too large"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("3000", 3000), ("-1", -1), ("1e3", 1000), ("1.5", 1.5), (" 7 ", 7), (".5", 0.5)],
)
def test_numbers_in_strings(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "max", "10s", "0x10", "Infinity", "NaN", "1_000", "٣"])
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@given(st.integers(0, LONGEST_DURATION))
def test_a_shown_duration_reads_back(milliseconds: int) -> None:
    assert parse_duration(show_duration(milliseconds)) == milliseconds


@given(st.integers(0, LARGEST_SIZE))
def test_a_shown_size_reads_back(size: int) -> None:
    assert parse_size(show_size(size)) == size


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse, most in ((parse_duration, LONGEST_DURATION), (parse_size, LARGEST_SIZE)):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert 0 <= value <= most
