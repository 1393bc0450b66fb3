"""The units beside an app's instances: what each option that needs some adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.notes import Note
from pm2sd.units.model import Mark, Unit


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Units named ``NAME:WHAT.SUFFIX``.

    ``wanted`` are the names of those that run whenever the app's target does; they have to be
    ``PartOf=`` it. The others are started by one of these.
    """

    units: tuple[Unit, ...] = ()
    wanted: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


# Each option that needs units of its own has a function here.
_KINDS: Final[tuple[Callable[[App, Mark], Auxiliary], ...]] = ()


def auxiliary(app: App, mark: Mark) -> Auxiliary:
    """All the units beside the app's instances."""
    found = [kind(app, mark) for kind in _KINDS]
    return Auxiliary(
        tuple(unit for one in found for unit in one.units),
        tuple(name for one in found for name in one.wanted),
        tuple(note for one in found for note in one.notes),
    )
