"""The apps that pm2sd manages, as the unit directory has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pm2sd.errors import Pm2sdError
from pm2sd.plan.stored import Stored, read_stored
from pm2sd.systemd.unit_files import UnitDirectory


@dataclass(frozen=True, slots=True)
class Known:
    """The unit directory and the apps in it, read once."""

    directory: UnitDirectory
    stored: Stored

    @classmethod
    def read(cls) -> Self:
        """Read the user's unit directory; no manager is needed for it."""
        directory = UnitDirectory()
        return cls(directory, read_stored(directory.read_managed()))

    @classmethod
    def read_if_possible(cls) -> Self:
        """The same, without any app where the directory cannot be read."""
        try:
            return cls.read()
        except Pm2sdError:
            return cls(UnitDirectory(), read_stored({}))
