"""Option values with parts: arguments, lists of strings, exit codes, environments; and signals."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.javascript import json_text, scalar_text, split_arguments
from pm2sd.ecosystem.options.numbers import NUMERIC, number
from pm2sd.ecosystem.options.types import (
    Fault,
    Refused,
    Schema,
    Text,
    ValueType,
    shown,
    unfit,
)
from pm2sd.ecosystem.quantities import parse_number

_LIST_OR_STRING: Schema = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
    ]
}

MOST_INSTANCES = 10_000


def _elements(items: tuple[Node, ...]) -> tuple[str, ...]:
    """The elements of a list as text; numbers and booleans as JavaScript writes them."""
    faults, texts = [], []
    for item in items:
        if not isinstance(item.value, bool | int | float | str):
            faults.append(Fault(f"expected a string in the list; got {shown(item)}", node=item))
        elif reason := unfit(text := scalar_text(item.value)):
            faults.append(Fault(f"an element {reason}", node=item))
        else:
            texts.append(text)
    if faults:
        raise Refused(*faults)
    return tuple(texts)


@dataclass(frozen=True, slots=True)
class Arguments(ValueType):
    """An argument list: an array, each element one argument, or a string, which is split."""

    label: str = "a list of arguments, or a string to be split at blanks"

    def parse(self, node: Node) -> tuple[str, ...]:
        """The arguments."""
        match node.value:
            case tuple() as items:
                return _elements(items)
            case str() as text:
                if reason := unfit(text):
                    raise Refused(Fault(f"the text {reason}", node=node))
                return split_arguments(text)
            case _:
                raise self.refuse(node)

    def schema(self) -> Schema:
        """A string or an array of scalars."""
        return _LIST_OR_STRING


@dataclass(frozen=True, slots=True)
class Strings(ValueType):
    """A list of strings; one string stands for a list of one."""

    label: str = "a list of strings"

    def parse(self, node: Node) -> tuple[str, ...]:
        """The strings."""
        match node.value:
            case tuple() as items:
                return _elements(items)
            case str():
                return (Text().parse(node),)
            case _:
                raise self.refuse(node)

    def schema(self) -> Schema:
        """A string or an array of strings."""
        return _LIST_OR_STRING


@dataclass(frozen=True, slots=True)
class VariableNames(Strings):
    """A list of names of environment variables."""

    label: str = "a list of names of environment variables"

    def parse(self, node: Node) -> tuple[str, ...]:
        """The names."""
        names = Strings.parse(self, node)
        for name in names:
            if reason := _bad_name(name):
                raise Refused(Fault(reason, node=node))
        return names


@dataclass(frozen=True, slots=True)
class ExitCodes(ValueType):
    """Exit codes from 0 to 255: a number, a list, or a string such as ``0,3``."""

    label: str = "an exit code from 0 to 255, or a list of them"

    def parse(self, node: Node) -> tuple[int, ...]:
        """The codes, each once, in the order written."""
        items = node.value if isinstance(node.value, tuple) else (node,)
        codes = [(item, code) for item in items for code in _codes(item)]
        faults = [
            Fault(f"expected an exit code from 0 to 255; got {shown(item)}", node=item)
            for item, code in codes
            if code is None or not 0 <= code <= 255 or code % 1
        ]
        if faults:
            raise Refused(*faults)
        return tuple(dict.fromkeys(int(code) for _, code in codes if code is not None))

    def schema(self) -> Schema:
        """A number, a string of numbers, or an array of both."""
        code = {"type": "integer", "minimum": 0, "maximum": 255}
        text = {"type": "string", "pattern": f"^{NUMERIC}([\\s,]+{NUMERIC})*$"}
        return {"anyOf": [code, text, {"type": "array", "items": {"anyOf": [code, text]}}]}


def _codes(node: Node) -> list[float | None]:
    """The numbers of one element, several in a string; None for what is none."""
    if not isinstance(node.value, str):
        return [number(node)]
    return [parse_number(word) for word in re.split(r"[\s,]+", node.value.strip())]


@dataclass(frozen=True, slots=True)
class Environment(ValueType):
    """Environment variables: an object; null values are left out, as PM2 does."""

    label: str = "an object of variables"

    def parse(self, node: Node) -> dict[str, str]:
        """The variables; numbers, booleans and nested values as JavaScript writes them."""
        if not isinstance(node.value, Mapping):
            raise self.refuse(node)
        faults: list[Fault] = []
        variables = {}
        for name, item in node.value.items():
            if item.value is None:
                continue
            nested = isinstance(item.value, tuple | Mapping)
            text = json_text(item) if nested else scalar_text(item.value)  # type: ignore[arg-type]
            if reason := _bad_name(name):
                faults.append(Fault(reason, node=Node(name, item.key_where or item.where)))
            elif reason := unfit(f"{name}={text}"):
                faults.append(Fault(f"the variable {name} {reason}", node=item))
            variables[name] = text
        if faults:
            raise Refused(*faults)
        return variables

    def schema(self) -> Schema:
        """An object with any values."""
        return {"type": "object", "propertyNames": {"pattern": "^[^=]+$"}}


def _bad_name(name: str) -> str | None:
    if not name or "=" in name or unfit(name):
        return f"{name!r} is no name of a variable (empty, or with '=' or NUL in it)"
    return None


@dataclass(frozen=True, slots=True)
class Instances(ValueType):
    """How many instances: a number, ``max`` or 0 for one per CPU, -1 for all CPUs but one."""

    label: str = 'a whole number, or "max"'
    blank_is_unset: ClassVar[bool] = False

    def parse(self, node: Node) -> int | str:
        """The number, negative for CPUs to leave free, or ``max``."""
        value = number(node)
        if node.value == "max" or value == 0:
            return "max"
        if value is None or value % 1:
            raise self.refuse(
                node, "PM2 would start one per CPU for it; write max if that is meant"
            )
        if abs(value) > MOST_INSTANCES:
            raise self.refuse(node, but=f"at most {MOST_INSTANCES} instances")
        return int(value)

    def schema(self) -> Schema:
        """An integer, the same as a string, or ``max``."""
        return {
            "anyOf": [
                {"type": "integer", "minimum": -MOST_INSTANCES, "maximum": MOST_INSTANCES},
                {"type": "string", "pattern": f"^(max|{NUMERIC})$"},
            ]
        }


@dataclass(frozen=True, slots=True)
class SignalName(ValueType):
    """A signal: ``SIGTERM``, ``TERM`` or its number."""

    label: str = "a signal such as SIGTERM"

    def parse(self, node: Node) -> str:
        """The name with ``SIG``."""
        value = number(node)
        if value is not None and value in {item.value for item in signal.Signals}:
            return signal.Signals(int(value)).name
        if isinstance(node.value, str):
            word = node.value.strip().upper()
            name = word if word.startswith("SIG") else f"SIG{word}"
            if name in signal.Signals.__members__:
                return name
        raise self.refuse(node, "kill -l lists them")

    def schema(self) -> Schema:
        """A name or a number."""
        return {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 64}]}


@dataclass(frozen=True, slots=True)
class Account(ValueType):
    """A user or group: its name or its number."""

    label: str = "a name or a number"

    def parse(self, node: Node) -> str | int:
        """The name, or the number as an int."""
        value = number(node)
        if value is not None and value % 1 == 0 and value >= 0:
            return int(value)
        if value is None and isinstance(node.value, str):
            return Text(self.label).parse(node)
        raise self.refuse(node)

    def schema(self) -> Schema:
        """A string or a number."""
        return {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}
