"""Command lines of the checks: ``--name=value``, ``--name``, then words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # a plain name: to import typing costs as much as to start Python
    from collections.abc import Sequence


class Orders:
    """What a check was told; times are milliseconds."""

    __slots__ = ("options", "words")

    def __init__(self, options: dict[str, str], words: list[str]) -> None:
        self.options = options
        self.words = words

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
