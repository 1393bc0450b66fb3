"""The types of option values: what they accept, what it becomes, how a schema says it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from pm2sd.ecosystem.cron import BadCron, is_cron, parse_cron
from pm2sd.ecosystem.nodes import Node, plain
from pm2sd.ecosystem.options.javascript import number_text

Schema: TypeAlias = dict[str, Any]

# The longest argument and the longest NAME=VALUE that Linux passes to a program (execve(2)).
LONGEST_TEXT = 131_071


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a value; ``node`` is the part of it that is, None for all of it."""

    message: str
    hint: str | None = None
    node: Node | None = None


class Refused(ValueError):
    """A value that its type does not accept, with everything that is wrong with it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


class ValueType(ABC):
    """What an option accepts.

    ``label`` completes "expected ..."; ``blank_is_unset`` says whether the empty string stands for
    an option that was not written.
    """

    label: str
    blank_is_unset: ClassVar[bool] = True

    @abstractmethod
    def parse(self, node: Node) -> object:
        """The value, or Refused."""

    @abstractmethod
    def schema(self) -> Schema:
        """The JSON Schema (2020-12) of what ``parse`` accepts."""

    def show(self, value: object) -> str:
        """A parsed value for people; a list between brackets."""
        if isinstance(value, tuple):
            return f"[{', '.join(map(str, value))}]"
        return json.dumps(value) if isinstance(value, bool | int | float) else str(value)

    def refuse(self, node: Node, hint: str | None = None, *, but: str = "") -> Refused:
        """The error for a value of another kind; ``but`` says more than the label."""
        return Refused(Fault(f"expected {but or self.label}; got {shown(node)}", hint, node))


def shown(node: Node) -> str:
    """A value for a message: short, and as it is written in JSON."""
    match node.value:
        case bool() | None:
            return json.dumps(node.value)
        case int() | float():
            return number_text(node.value)
        case str() as text:
            return json.dumps(text if len(text) <= 60 else f"{text[:57]}...", ensure_ascii=False)
        case _:
            return node.kind


def unfit(text: str) -> str | None:
    """Why no program can be given this text as an argument or a variable; None where one can."""
    if "\0" in text:
        return "holds a NUL character, which no argument or variable can carry"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "holds half a surrogate pair, which is no character"
    return f"is {size} bytes long; Linux carries 131071" if size > LONGEST_TEXT else None


@dataclass(frozen=True, slots=True)
class Boolean(ValueType):
    """true or false. PM2 takes no other spelling, and neither do we."""

    label: str = "true or false"
    blank_is_unset: ClassVar[bool] = False

    def parse(self, node: Node) -> bool:
        """The boolean."""
        if isinstance(node.value, bool):
            return node.value
        word = node.value.strip().lower() if isinstance(node.value, str) else ""
        hint = f"write {word} without quotes" if word in ("true", "false") else None
        raise self.refuse(node, hint)

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Text(ValueType):
    """A string. A number is refused, because ``0123`` or ``1.10`` would not arrive as written."""

    label: str = "a string"

    def parse(self, node: Node) -> str:
        """The string itself."""
        if not isinstance(node.value, str):
            hint = "put it in quotes" if isinstance(node.value, int | float) else None
            raise self.refuse(node, hint)
        if reason := unfit(node.value):
            raise Refused(Fault(f"the text {reason}", node=node))
        return node.value

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class CronPattern(Text):
    """A cron pattern; ``or_calendar``: or what only systemd can tell to be a calendar event."""

    label: str = "a cron pattern"
    or_calendar: bool = False

    def parse(self, node: Node) -> str:
        """The pattern as it is written."""
        text = Text.parse(self, node)
        if not self.or_calendar or is_cron(text):
            try:
                parse_cron(text)
            except BadCron as error:
                raise Refused(Fault(str(error), error.hint, node)) from None
        return text


@dataclass(frozen=True, slots=True)
class LogPath(Text):
    """A log file: a path, or ``NULL`` or ``/dev/null`` for none."""

    label: str = "a path, or /dev/null"

    def parse(self, node: Node) -> str:
        """The path; PM2's ``NULL`` becomes ``/dev/null``."""
        path = Text.parse(self, node)
        return "/dev/null" if path == "NULL" else path


@dataclass(frozen=True, slots=True)
class VariableName(Text):
    """The name of an environment variable."""

    label: str = "the name of an environment variable"

    def parse(self, node: Node) -> str:
        """The name."""
        name = Text.parse(self, node)
        if "=" in name:
            raise self.refuse(node, "a name holds no '='")
        return name

    def schema(self) -> Schema:
        """A string without ``=``."""
        return {"type": "string", "pattern": "^[^=]*$"}


@dataclass(frozen=True, slots=True)
class Choice(ValueType):
    """One of some words, each standing for a value; ``label`` lists them."""

    words: Mapping[str, object]
    label: str = "a word"

    def parse(self, node: Node) -> object:
        """What the word stands for."""
        if isinstance(node.value, str) and node.value in self.words:
            return self.words[node.value]
        raise self.refuse(node)

    def schema(self) -> Schema:
        """The words."""
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Exactly(ValueType):
    """One value of JSON and no other, as part of ``Either``."""

    value: bool | str
    label: str = ""
    blank_is_unset: ClassVar[bool] = False

    def parse(self, node: Node) -> object:
        """The value."""
        if type(node.value) is type(self.value) and node.value == self.value:
            return self.value
        raise self.refuse(node)

    def schema(self) -> Schema:
        """The value."""
        return {"const": self.value}


@dataclass(frozen=True, slots=True)
class Shape(ValueType):
    """Any value of some kinds (those of ``Node.kind``), kept as ordinary data."""

    kinds: tuple[str, ...]
    label: str

    def parse(self, node: Node) -> object:
        """The value as ordinary data."""
        if node.kind in self.kinds:
            return plain(node)
        raise self.refuse(node)

    def schema(self) -> Schema:
        """The kinds."""
        names = {"a string": "string", "a number": "number", "a boolean": "boolean"}
        names |= {"a list": "array", "an object": "object"}
        return {"type": [names[kind] for kind in self.kinds]}


@dataclass(frozen=True, slots=True)
class Either(ValueType):
    """The first of several types that takes the value; ``label`` names them all."""

    types: tuple[ValueType, ...]
    label: str

    def parse(self, node: Node) -> object:
        """What the first type that accepts the value makes of it."""
        faults: list[Fault] = []
        for kind in self.types:
            try:
                return kind.parse(node)
            except Refused as refused:
                faults += refused.faults
        # A fault in a part of the value says more than that the whole has the wrong type.
        inside = [fault for fault in faults if fault.node is not node]
        raise Refused(*inside) if inside else self.refuse(node)

    def schema(self) -> Schema:
        """Any of the types' schemas."""
        return {"anyOf": [kind.schema() for kind in self.types]}
