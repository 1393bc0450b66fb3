"""What an option adds that needs units beside an app's instances."""

from __future__ import annotations

from dataclasses import dataclass

from pm2sd.notes import Note
from pm2sd.units.model import Unit


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Units named ``NAME:WHAT.SUFFIX``.

    ``wanted`` are the names of those that run whenever the app's target does; they have to be
    ``PartOf=`` it. The others are started by one of these.
    """

    units: tuple[Unit, ...] = ()
    wanted: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
