from __future__ import annotations

import time

import pytest

from pm2sd.systemd.clock import moved


@pytest.mark.parametrize("seconds", [0, 3600, -3600])
def test_a_clock_that_was_set_is_told(seconds: int) -> None:
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    then = time.time_ns() // 1000 - seconds * 10**6
    # What the machine slept before does not count, and cannot be told from a clock set forward.
    expected = max(0.0, seconds - asleep) if seconds > 0 else seconds
    assert moved(then, time.monotonic_ns() // 1000) == pytest.approx(expected, abs=0.5)
