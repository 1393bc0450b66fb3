"""Numbers as PM2 shows them to people."""

from __future__ import annotations

from typing import Final

_PERIODS: Final = ((31_536_000, "Y"), (2_592_000, "M"), (86_400, "D"), (3_600, "h"), (60, "m"))
_SIZES: Final = ((1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb"))


def duration(seconds: float | None) -> str:
    """A running time in the largest unit of which there are two: ``98s``, ``119m``, ``2h``, ``3D``.

    ``0`` for what is not running (PM2: lib/API/UX/helpers.js, timeSince).
    """
    if seconds is None:
        return "0"
    for length, unit in _PERIODS:
        if seconds // length > 1:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def size(count: int | None) -> str:
    """A number of bytes, 1024-based: ``51.5mb``."""
    for unit, name in _SIZES:
        if count is not None and count >= unit:
            return f"{count / unit:.1f}{name}"
    return f"{count or 0}b"


def percent(value: float | None) -> str:
    """A part of one CPU: ``0.3%``; whole numbers without a fraction."""
    return f"{value or 0:.1f}".removesuffix(".0") + "%"
