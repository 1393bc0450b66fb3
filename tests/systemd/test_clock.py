from __future__ import annotations

import time
from pathlib import Path

import pytest

from pm2sd.systemd.clock import Clocks, Moment, moved

HOUR = 3600 * 10**6
NOON = 1_800_000_000 * 10**6


@pytest.mark.parametrize("seconds", [0, 3600, -3600])
def test_a_clock_that_was_set_is_told(seconds: int) -> None:
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    then = time.time_ns() // 1000 - seconds * 10**6
    # What the machine slept before does not count, and cannot be told from a clock set forward.
    expected = max(0.0, seconds - asleep) if seconds > 0 else seconds
    assert moved(then, time.monotonic_ns() // 1000) == pytest.approx(expected, abs=30)


@pytest.mark.parametrize(
    ("asleep", "noted", "hours_ago"),
    [
        pytest.param(0, NOON - HOUR, 1, id="never set"),
        pytest.param(0, NOON + 5 * HOUR, 1, id="set back since"),
        pytest.param(0, NOON - 9 * HOUR, 1, id="set forward since"),
        pytest.param(2, NOON - HOUR, 1, id="slept before"),
        pytest.param(2, NOON - 3 * HOUR, 3, id="slept since"),
        pytest.param(2, NOON - 2 * HOUR, 2, id="slept before and since"),
        pytest.param(2, NOON - 9 * HOUR, 3, id="set forward, may have slept since"),
        pytest.param(2, NOON + HOUR, 1, id="set back, slept before"),
    ],
)
def test_when_something_was_by_the_clock_of_now(asleep: int, noted: int, hours_ago: int) -> None:
    """It was an hour of the monotonic clock ago, which began ten hours ago."""
    clocks = Clocks(Moment(NOON, 10 * HOUR, "this"), asleep * HOUR)
    assert clocks.reckoned(Moment(noted, 9 * HOUR, "this")) == NOON - hours_ago * HOUR


def test_another_boot_was_before_this_one() -> None:
    clocks = Clocks(Moment(NOON, 10 * HOUR, "this"), 2 * HOUR)
    began = NOON - 12 * HOUR
    assert clocks.reckoned(Moment(began - 7, 99 * HOUR, "that")) == began - 7
    assert clocks.reckoned(Moment(NOON + HOUR, 99 * HOUR, "that")) == began


def test_the_clocks_of_this_machine() -> None:
    clocks = Clocks.read()
    assert abs(clocks.now.realtime - time.time_ns() // 1000) < 30 * 10**6
    assert abs(clocks.now.monotonic - time.monotonic_ns() // 1000) < 30 * 10**6
    assert clocks.asleep > -1000
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert clocks.now.boot == boot.replace("-", "")
