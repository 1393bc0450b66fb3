"""Option values that are numbers: counts, durations, sizes."""

from __future__ import annotations

from dataclasses import dataclass

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.javascript import number_text
from pm2sd.ecosystem.options.types import Schema, ValueType
from pm2sd.ecosystem.quantities import (
    LARGEST_SIZE,
    LONGEST_DURATION,
    parse_duration,
    parse_number,
    parse_size,
    show_duration,
    show_size,
)

# A number in a string; PM2 takes every one for the number (lib/tools/Config.js, _valid).
NUMERIC = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*"

# No interpreter lives in less; a smaller number was meant in megabytes.
LEAST_MEMORY = 2**20

# A thousand CPUs.
_MOST_PERCENT = 100_000


def number(node: Node) -> float | None:
    """The number a value is, or is the text of; None for everything else."""
    match node.value:
        case bool():
            return None
        case int() | float() as value:
            return value
        case str() as text:
            return parse_number(text)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Integer(ValueType):
    """A whole number, also as a string, from ``least`` to ``most``.

    ``endless`` stands for JavaScript's Infinity, None where that makes no sense; ``hint`` goes with
    a number out of range.
    """

    least: int
    most: int
    label: str = "a whole number"
    endless: int | None = None
    hint: str | None = None

    def parse(self, node: Node) -> int:
        """The number."""
        value = number(node)
        if self.endless is not None and node.value in (float("inf"), "Infinity"):
            return self.endless
        if value is None or value % 1:
            raise self.refuse(node)
        if not self.least <= value <= self.most:
            but = f"{self.label} from {self.least} to {self.most}"
            raise self.refuse(node, self.hint, but=but)
        return int(value)

    def schema(self) -> Schema:
        """An integer, or a string that is one."""
        return {
            "anyOf": [
                {"type": "integer", "minimum": self.least, "maximum": self.most},
                {
                    "type": "string",
                    "pattern": f"^({NUMERIC}{'|Infinity' if self.endless else ''})$",
                },
            ]
        }


@dataclass(frozen=True, slots=True)
class Duration(ValueType):
    """A time in milliseconds, or with a unit; the units are our extension, except in min_uptime."""

    least: int = 0
    label: str = "milliseconds, or a string such as 10s"

    def parse(self, node: Node) -> int:
        """Milliseconds."""
        value = number(node)
        if value is None and isinstance(node.value, str):
            try:
                value = parse_duration(node.value)
            except ValueError:
                raise self.refuse(node, "units are ms, s, m and h") from None
        if value is None:
            raise self.refuse(node)
        if not self.least <= value <= LONGEST_DURATION:
            limits = f"from {self.least} to {LONGEST_DURATION}"
            raise self.refuse(node, but=f"milliseconds {limits}")
        return round(value)

    def schema(self) -> Schema:
        """A number, or a string with a unit."""
        return {
            "anyOf": [
                {"type": "number", "minimum": self.least, "maximum": LONGEST_DURATION},
                {"type": "string", "pattern": f"^{NUMERIC}(ms|s|m|h)?\\s*$"},
            ]
        }

    def show(self, value: object) -> str:
        """The time with its unit."""
        return show_duration(value) if isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True)
class Size(ValueType):
    """An amount of memory in bytes, or with a unit of 1024s."""

    least: int
    label: str = "bytes, or a string such as 300M or 1G"

    def parse(self, node: Node) -> int:
        """Bytes."""
        value = number(node)
        if value is None and isinstance(node.value, str):
            try:
                value = parse_size(node.value)
            except ValueError:
                raise self.refuse(node, "units are K, M, G and T") from None
        if value is None:
            raise self.refuse(node)
        if not self.least <= value <= LARGEST_SIZE:
            hint = None
            if 0 < value < self.least:
                hint = f"a plain number is bytes; did you mean {number_text(value)}M?"
            raise self.refuse(node, hint, but=f"{self.label}, at least {show_size(self.least)}")
        return round(value)

    def schema(self) -> Schema:
        """A number of bytes, or a string with a unit."""
        return {
            "anyOf": [
                {"type": "number", "minimum": self.least},
                {"type": "string", "pattern": f"^{NUMERIC}[kKmMgGtT]?([iI]?[bB])?\\s*$"},
            ]
        }

    def show(self, value: object) -> str:
        """The amount with its unit."""
        return show_size(value) if isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True)
class Percentage(ValueType):
    """Percents of one CPU, with or without the sign; two decimals count (systemd's permyriad)."""

    least: int
    label: str = "a percentage of one CPU, such as 150%"

    def parse(self, node: Node) -> float:
        """Percents."""
        text = node.value.strip() if isinstance(node.value, str) else ""
        value = parse_number(text[:-1]) if text.endswith("%") else number(node)
        if value is None:
            raise self.refuse(node)
        if not self.least <= value <= _MOST_PERCENT:
            part = isinstance(node.value, int | float) and 0 < value < self.least
            hint = f"did you mean {number_text(value * 100)}%?" if part else None
            but = f"{self.label}, from {self.least}% to {_MOST_PERCENT}%"
            raise self.refuse(node, hint, but=but)
        return round(value, 2)

    def schema(self) -> Schema:
        """A number, or a string with the sign."""
        return {
            "anyOf": [
                {"type": "number", "minimum": self.least, "maximum": _MOST_PERCENT},
                {"type": "string", "pattern": f"^{NUMERIC}%?\\s*$"},
            ]
        }

    def show(self, value: object) -> str:
        """The number with the sign."""
        return f"{value:g}%"
