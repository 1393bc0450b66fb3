"""The machine's clock: whether it is kept right, and whether it was set while apps ran."""

from __future__ import annotations

import ctypes
import time
from typing import Final

_UNKNOWN_MICROSECONDS: Final = 16_000_000
"""maxerror of a clock that nobody keeps right: NTP_PHASE_LIMIT of the kernel's timex.h, the value
by which timedatectl(1) decides, too."""


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex`` (adjtimex(2)); the kernel fills 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    )


def synchronised() -> bool | None:
    """Whether the kernel's clock is kept right by somebody (NTP); None where it does not tell."""
    state = _Timex()
    try:
        if ctypes.CDLL(None).adjtimex(ctypes.byref(state)) < 0:
            return None
    except (OSError, AttributeError):  # another C library
        return None
    return int(state.maxerror) < _UNKNOWN_MICROSECONDS


def moved(realtime_usec: int, monotonic_usec: int) -> float:
    """By how many seconds the clock was set since a moment that was taken by both clocks.

    The monotonic one stands still while the machine sleeps, and the boot time's does not. How long
    it had slept before that moment is not known: the least movement that explains what is seen.
    """
    realtime = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000 - realtime_usec
    awake = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - monotonic_usec
    asleep = (
        time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    ) // 1000
    ahead = realtime - awake
    return (ahead if ahead < 0 else max(0, ahead - asleep)) / 1e6
