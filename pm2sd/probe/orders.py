"""Command lines of the checks: ``--name=value``, ``--name``, then words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Orders(NamedTuple):
    """What a check was told; times are milliseconds."""

    options: dict[str, str]
    words: list[str]

    def text(self, name: str) -> str:
        """An option's value, empty without it."""
        return self.options.get(name, "")

    def seconds(self, name: str) -> float:
        """A time in seconds, 0 without it."""
        return int(self.options.get(name, "0")) / 1000

    def has(self, name: str) -> bool:
        """Whether an option was given."""
        return name in self.options


def orders(arguments: Sequence[str]) -> Orders:
    """What the arguments say; after ``--`` all are words."""
    options: dict[str, str] = {}
    for at, argument in enumerate(arguments):
        if argument == "--" or not argument.startswith("--"):
            return Orders(options, list(arguments[at + (argument == "--") :]))
        name, _, value = argument[2:].partition("=")
        options[name] = value
    return Orders(options, [])
