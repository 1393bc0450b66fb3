"""Lists and units as findings name them."""

from __future__ import annotations

from collections.abc import Sequence

from pm2sd.units import names


def some(items: Sequence[str], most: int = 3) -> str:
    """The first few of some things, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def shown(units: Sequence[str]) -> str:
    """Some units, instances as people write them: ``@apps/api@0``."""
    return some([_plain(unit) for unit in units])


def _plain(unit: str) -> str:
    instance = names.parse_instance(unit)
    return f"{instance[0]}@{instance[1]}" if instance else unit
