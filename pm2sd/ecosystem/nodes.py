"""Values that remember where they stand in the file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pm2sd.ecosystem.places import line_of
from pm2sd.errors import Location, Problem

Scalar: TypeAlias = bool | int | float | str | None
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a configuration.

    ``value`` is a scalar, a tuple of nodes (a sequence) or a mapping from key to node.
    ``where`` is the value's first character; ``key_where`` that of its key, in a mapping.
    ``refused``: what was written here is a mistake that reading told of, and ``value`` is None in
    its place; nothing else is to be said about it.
    """

    value: Scalar | tuple[Node, ...] | Mapping[str, Node]
    where: Location
    key_where: Location | None = None
    refused: bool = False

    @property
    def kind(self) -> str:
        """The value's type in the words of JSON, for messages: 'a string', 'a number', ..."""
        match self.value:
            case None:
                return "null"
            case bool():
                return "a boolean"
            case int() | float():
                return "a number"
            case str():
                return "a string"
            case tuple():
                return "a list"
            case _:
                return "an object"


def plain(node: Node) -> Plain:
    """The node's value as ordinary Python data."""
    match node.value:
        case tuple() as items:
            return [plain(item) for item in items]
        case Mapping() as entries:
            return {key: plain(value) for key, value in entries.items()}
        case scalar:
            return scalar


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration that was read: its nodes, and the text they point into.

    ``name`` is what messages call it (the path as the user wrote it, ``<stdin>``);
    ``path`` is absolute, and None for standard input; ``env_read`` names the variables that a
    JavaScript file looked up in ``process.env``. ``problems`` are the mistakes that reading went on
    after: they are to be told together with what is wrong with the nodes.
    """

    name: str
    path: Path | None
    text: str
    root: Node
    env_read: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def problem(self, message: str, where: Location | None, hint: str | None = None) -> Problem:
        """A problem at a place in this source, with the line of text it stands on."""
        line = None
        if where is not None and where.line is not None and where.file == self.name:
            line = line_of(self.text, where.line)
        return Problem(message, where, hint, line)
