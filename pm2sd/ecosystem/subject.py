"""One app while it is resolved: what was written, and all there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.machine import Machine
from pm2sd.ecosystem.nodes import Source
from pm2sd.errors import Location, Problem
from pm2sd.notes import Fidelity, Note

T = TypeVar("T")


@dataclass(slots=True)
class Subject:
    """A declared app on a machine, and the notes and problems found so far.

    Every step of resolving reads from it and goes on after a problem, so that all mistakes are
    reported together.
    """

    declared: Declared
    machine: Machine
    source: Source
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def get(self, option: str, kind: type[T]) -> T | None:
        """An option's value where it was written and is of this type, otherwise None."""
        value = self.declared.values.get(option)
        return value if isinstance(value, kind) else None

    def is_refused(self, option: str) -> bool:
        """Whether the option was written with a value that reading the app told to be wrong."""
        return option in self.declared.nodes and option not in self.declared.values

    def note(self, option: str, fidelity: Fidelity, text: str) -> None:
        """Tell the user how an option was carried over."""
        self.notes.append(Note(option, fidelity, text))

    def problem(
        self, option: str, message: str, hint: str | None = None, where: Location | None = None
    ) -> None:
        """A mistake, by default at the place of the option (or of the app, without it)."""
        place = where or self.declared.place(option)
        self.problems.append(self.source.problem(message, place, hint))
