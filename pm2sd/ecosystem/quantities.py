"""Durations and sizes as people write them: ``10s``, ``500M``; milliseconds and bytes inside."""

from __future__ import annotations

import re

# PM2 hands durations to setTimeout(), whose longest wait this is (24.8 days).
LONGEST_DURATION = 2**31 - 1
# MemoryMax= takes an unsigned 64-bit number; files and databases rather a signed one.
LARGEST_SIZE = 2**63 - 1

_DURATION_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_SIZE_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_DURATION = re.compile(rf"\s*{_NUMBER}\s*(ms|s|m|h)?\s*", re.ASCII)
_SIZE = re.compile(rf"\s*{_NUMBER}\s*([KMGT]?)(?:i?B)?\s*", re.ASCII | re.IGNORECASE)
_PLAIN = re.compile(rf"\s*[+-]?{_NUMBER}(?:[eE][+-]?\d{{1,3}})?\s*", re.ASCII)


def parse_number(text: str) -> float | None:
    """The number that a string is, as PM2 accepts ``"3000"`` for 3000; None for any other text."""
    return float(text) if _PLAIN.fullmatch(text) else None


def parse_duration(text: str) -> int:
    """Milliseconds of ``1600``, ``500ms``, ``10s``, ``2m``, ``1h``; decimals are rounded.

    PM2 knows ``s``, ``m`` and ``h``, whole numbers only and for ``min_uptime`` alone; the rest is
    ours. Raises ValueError for any other text, and above LONGEST_DURATION.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    return _within(_scaled(match[1], _DURATION_UNITS[match[2] or "ms"]), LONGEST_DURATION)


def parse_size(text: str) -> int:
    """Bytes of ``1024``, ``300M``, ``1.5G``, ``512k``, ``300MB``, ``1GiB``; every unit is x1024.

    PM2 knows whole numbers and the capital letters K, M, G; the rest is ours. Raises ValueError
    for any other text, and above LARGEST_SIZE.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no size")
    return _within(_scaled(match[1], _SIZE_UNITS[match[2].upper()]), LARGEST_SIZE)


def show_duration(milliseconds: int) -> str:
    """The shortest exact text, readable by ``parse_duration``: ``10s``, ``1600ms``."""
    for unit in ("h", "m", "s"):
        if milliseconds and milliseconds % _DURATION_UNITS[unit] == 0:
            return f"{milliseconds // _DURATION_UNITS[unit]}{unit}"
    return f"{milliseconds}ms"


def show_size(size: int) -> str:
    """The shortest exact text, readable by ``parse_size``: ``300M``, ``1G``, ``1500``."""
    for unit in ("T", "G", "M", "K"):
        if size and size % _SIZE_UNITS[unit] == 0:
            return f"{size // _SIZE_UNITS[unit]}{unit}"
    return str(size)


def _scaled(digits: str, factor: int) -> int:
    # Integers stay integers: a float has too few digits for the largest sizes.
    return int(digits) * factor if digits.isdecimal() else round(float(digits) * factor)


def _within(value: int, largest: int) -> int:
    if value > largest:
        raise ValueError(f"{value} is too large")
    return value
