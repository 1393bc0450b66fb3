"""The types of ``on_failure`` and ``alerts``: whom to tell, and of what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.lists import Strings
from pm2sd.ecosystem.options.numbers import Duration, Size
from pm2sd.ecosystem.options.parts import Parts
from pm2sd.ecosystem.options.types import Fault, Refused, Schema, Text, ValueType
from pm2sd.ecosystem.quantities import parse_duration, parse_number

_URL_START: Final = ("http://", "https://")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # token of RFC 9110
_RATE: Final = re.compile(r"\s*([1-9]\d{0,5})\s*/\s*(\S+)\s*", re.ASCII)
_LONGEST_WINDOW: Final = 24 * 3_600_000

SMALLEST_MEMORY: Final = 1024**2


@dataclass(frozen=True, slots=True)
class _Url(Text):
    """A webhook's address."""

    label: str = "a URL such as https://example.org/hook"

    def parse(self, node: Node) -> str:
        """The URL as it is written."""
        text = Text.parse(self, node)
        try:
            parts = urlsplit(text)
            fine = bool(parts.hostname) and parts.port != 0
        except ValueError:
            fine = False
        if not (fine and text.startswith(_URL_START)) or re.search(r"[^!-~]", text):
            raise self.refuse(node)
        if "@" in parts.netloc:
            raise self.refuse(node, "a password goes into headers: {Authorization: ...}")
        return text


@dataclass(frozen=True, slots=True)
class _Headers(ValueType):
    """HTTP headers by name."""

    label: str = "an object of HTTP headers"

    def parse(self, node: Node) -> dict[str, str]:
        """The headers."""
        if not isinstance(node.value, Mapping):
            raise self.refuse(node)
        found: dict[str, str] = {}
        faults = []
        for name, item in node.value.items():
            at = Node(name, item.key_where or item.where)
            if not _HEADER.fullmatch(name):
                faults.append(Fault(f"{name!r} is no name of a header", node=at))
            elif not isinstance(item.value, str) or re.search(r"[^ -~]", item.value):
                faults.append(Fault(f"the header {name} is no line of ASCII text", node=item))
            else:
                found[name] = item.value
        if faults:
            raise Refused(*faults)
        return found

    def schema(self) -> Schema:
        """An object of strings."""
        return {"type": "object", "additionalProperties": {"type": "string"}}


_WEBHOOK: Final = Parts(
    "an object with url, and perhaps headers",
    {"url": _Url(), "headers": _Headers()},
    required=("url",),
)


@dataclass(frozen=True, slots=True)
class Teller(ValueType):
    """A command (of the shell, or a list), or a webhook (a URL, or an object with ``url``)."""

    label: str = "a command, a list of a program and its arguments, a URL, or an object with url"

    def parse(self, node: Node) -> tuple[str, ...] | dict[str, object]:
        """The words of the command, or the webhook's ``url`` and ``headers``."""
        match node.value:
            case Mapping():
                return _WEBHOOK.parse(node)
            case str() as text if text.startswith(_URL_START):
                return {"url": _Url().parse(node)}
            case str() | tuple():
                return Strings(self.label).parse(node)
            case _:
                raise self.refuse(node)

    def schema(self) -> Schema:
        """A string, an array, or an object."""
        return {"anyOf": [Strings().schema(), _WEBHOOK.schema()]}


@dataclass(frozen=True, slots=True)
class _Rate(ValueType):
    """``10/1h``: how many, and in what time."""

    label: str = "a number of restarts and a time, such as 10/1h"

    def parse(self, node: Node) -> tuple[int, int]:
        """The number and milliseconds."""
        match = _RATE.fullmatch(node.value) if isinstance(node.value, str) else None
        if match is None:
            raise self.refuse(node)
        try:
            within = parse_duration(match[2])
        except ValueError:
            raise self.refuse(node, "units are ms, s, m and h") from None
        if not 60_000 <= within <= _LONGEST_WINDOW:
            raise self.refuse(node, but="a time from 1m to 24h after the /")
        return int(match[1]), within

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "pattern": r"^\s*\d+\s*/\s*[\d.]+\s*(ms|s|m|h)?\s*$"}


@dataclass(frozen=True, slots=True)
class _Memory(ValueType):
    """A part of ``max_memory_restart`` in percents, or bytes."""

    label: str = "a part of max_memory_restart such as 90%, or a size such as 300M"

    def parse(self, node: Node) -> dict[str, float]:
        """``{"percent": 90}`` or ``{"bytes": 314572800}``."""
        text = node.value.strip() if isinstance(node.value, str) else ""
        if not text.endswith("%"):
            try:
                return {"bytes": Size(SMALLEST_MEMORY).parse(node)}
            except Refused as refused:
                raise self.refuse(node, refused.faults[0].hint) from None
        percent = parse_number(text[:-1])
        if percent is None or not 1 <= percent <= 100:
            raise self.refuse(node, but="from 1% to 100% of max_memory_restart")
        return {"percent": percent}

    def schema(self) -> Schema:
        """What a size is, or a string with a percent sign."""
        percents: Schema = {"type": "string", "pattern": r"^\s*[\d.]+\s*%\s*$"}
        return {"anyOf": [Size(SMALLEST_MEMORY).schema(), percents]}


_LOOKED_AT: Final[Mapping[str, ValueType]] = {
    "restarts": _Rate(),
    "memory": _Memory(),
    "down": Duration(least=10_000),
}


class _Alerts(Parts):
    """What is looked at, and who is told; of the first at least one."""

    __slots__ = ()

    def parse(self, node: Node) -> dict[str, object]:
        """The values by key."""
        values = Parts.parse(self, node)
        if not values.keys() & _LOOKED_AT.keys():
            raise self.refuse(node, "write for example {restarts: 10/1h, down: 2m}")
        return values


ALERTS: Final = _Alerts(
    "an object with restarts, memory or down, and perhaps notify",
    {**_LOOKED_AT, "notify": Teller()},
)
