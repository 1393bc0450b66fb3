"""Whether somebody keeps the machine's clock right."""

from __future__ import annotations

import ctypes
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
