"""The types of ``ready`` and ``health``: how an app is asked whether it serves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

from pm2sd.ecosystem.nodes import Node, Plain
from pm2sd.ecosystem.options.numbers import Duration, Integer
from pm2sd.ecosystem.options.types import Fault, Refused, Schema, Text, ValueType

_ADDRESS: Final = re.compile(r"(?:(?:\[[^\]\s]+\]|[^:\[\]/\s]*):)?(\d{1,5})", re.ASCII)
_PATH: Final = re.compile(r"/[!-~]*", re.ASCII)

HEALTH_DEFAULTS: Final = {"interval": 10_000, "timeout": 3_000, "failures": 3, "grace": 0}
"""Milliseconds, and how many times in a row."""


@dataclass(frozen=True, slots=True)
class _Http(ValueType):
    """A path, or a whole URL."""

    label: str = "a path such as /health, or a URL such as http://localhost:3000/health"

    def parse(self, node: Node) -> str:
        """The path or URL."""
        text = Text(self.label).parse(node)
        if _PATH.fullmatch(text) or self._is_url(text):
            return text
        raise self.refuse(node, None if "://" in text else "a path begins with /; blanks are %20")

    @staticmethod
    def _is_url(text: str) -> bool:
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            return False
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
        return plain and not re.search(r"[^!-~]", text) and "@" not in parts.netloc

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "pattern": r"^(/|https?://)\S*$"}


@dataclass(frozen=True, slots=True)
class _Tcp(ValueType):
    """A port, an address with a port, or true for the app's own port."""

    label: str = "a port, host:port, or true for the port of the app"

    def parse(self, node: Node) -> str:
        """``3000``, ``host:3000``; empty for the app's own."""
        match node.value:
            case True:
                return ""
            case bool():
                pass
            case int() as port if 1 <= port <= 65_535:
                return str(port)
            case str() as text if match := _ADDRESS.fullmatch(text.strip()):
                if 1 <= int(match[1]) <= 65_535:
                    return text.strip().removeprefix(":")
        raise self.refuse(node)

    def schema(self) -> Schema:
        """True, a port, or a string."""
        return {
            "anyOf": [
                {"const": True},
                {"type": "integer", "minimum": 1, "maximum": 65_535},
                {"type": "string", "pattern": r"^(.*:)?\d{1,5}$"},
            ]
        }


@dataclass(frozen=True, slots=True)
class _Log(Text):
    """A regular expression for a line of the log."""

    label: str = "a regular expression"

    def parse(self, node: Node) -> str:
        """The expression."""
        text = Text.parse(self, node)
        try:
            re.compile(text)
        except re.error as error:
            raise Refused(Fault(f"{text!r} is no regular expression: {error}", node=node)) from None
        if not text:
            raise self.refuse(node)
        return text


_HOW: Final[Mapping[str, ValueType]] = {"http": _Http(), "tcp": _Tcp()}
_READY: Final[Mapping[str, ValueType]] = {**_HOW, "log": _Log()}
_HEALTH_HOW: Final[Mapping[str, ValueType]] = {**_HOW, "command": Text("a command of the shell")}
_HEALTH: Final[Mapping[str, ValueType]] = {
    **_HEALTH_HOW,
    "interval": Duration(least=100),
    "timeout": Duration(least=1),
    "failures": Integer(1, 1000),
    "grace": Duration(),
}


@dataclass(frozen=True, slots=True)
class Ready(ValueType):
    """A short form, or an object with one of ``http``, ``tcp`` and ``log``."""

    label: str = "a path, a URL, a port, or an object with http, tcp or log"

    def parse(self, node: Node) -> dict[str, Plain]:
        """One of ``{"http": ...}``, ``{"tcp": ...}``, ``{"log": ...}``."""
        if not isinstance(node.value, Mapping):
            return _short(self, node)
        values, faults = _entries(node, _READY)
        faults += _one_of(node, _READY, required=True)
        if faults:
            raise Refused(*faults)
        return values

    def schema(self) -> Schema:
        """A string, a port, or an object."""
        return _schema(_READY, boolean=False)


LEAST_PAUSE: Final = 100
"""Milliseconds between two questions of ``health``: an app has other things to do."""


def pause(health: Mapping[str, Plain]) -> int:
    """Milliseconds from one question of ``health`` to the next.

    So many that the last of ``failures``, its timeout included, has ended when interval x failures
    have passed since the last good answer.
    """
    interval, timeout, failures = health["interval"], health["timeout"], health["failures"]
    assert isinstance(interval, int)
    assert isinstance(timeout, int)
    assert isinstance(failures, int)
    return (interval * failures - timeout) // failures


@dataclass(frozen=True, slots=True)
class Health(ValueType):
    """A short form, true, or an object; times in milliseconds."""

    label: str = "true, a path, a URL, a port, or an object with http, tcp or command"

    def parse(self, node: Node) -> dict[str, Plain] | None:
        """How to ask, if it says so, with ``interval``, ``timeout``, ``failures``, ``grace``."""
        if node.value is False:
            return None
        if node.value is True:
            return dict(HEALTH_DEFAULTS)
        if not isinstance(node.value, Mapping):
            return {**HEALTH_DEFAULTS, **_short(self, node)}
        values, faults = _entries(node, _HEALTH)
        faults += _one_of(node, _HEALTH_HOW, required=False)
        interval = values.get("interval", HEALTH_DEFAULTS["interval"])
        assert isinstance(interval, int)
        timeout = values.setdefault("timeout", min(HEALTH_DEFAULTS["timeout"], interval // 2))
        if not faults and isinstance(timeout, int) and timeout >= interval:
            message = f"timeout has to be shorter than interval, {interval} ms"
            faults.append(Fault(message, node=node.value.get("timeout")))
        if faults:
            raise Refused(*faults)
        found = {**HEALTH_DEFAULTS, **values}
        if pause(found) < LEAST_PAUSE:
            message = (
                f"interval, {interval} ms, is too short: between two questions there would be "
            )
            raise Refused(
                Fault(
                    f"{message}{pause(found)} ms, and {LEAST_PAUSE} ms is the least",
                    node=node.value.get("interval"),
                )
            )
        return found

    def schema(self) -> Schema:
        """A boolean, a string, a port, or an object."""
        return _schema(_HEALTH, boolean=True)


def _short(kind: ValueType, node: Node) -> dict[str, Plain]:
    """``/health``, ``http://localhost/``, ``:3000`` and 3000."""
    text = node.value
    is_http = isinstance(text, str) and ("://" in text or text.startswith("/"))
    if not is_http and isinstance(text, bool | tuple | None):
        raise kind.refuse(node)
    try:
        return {"http": _Http().parse(node)} if is_http else {"tcp": _Tcp().parse(node)}
    except Refused:
        raise kind.refuse(node) from None


def _entries(node: Node, known: Mapping[str, ValueType]) -> tuple[dict[str, Plain], list[Fault]]:
    assert isinstance(node.value, Mapping)
    values: dict[str, Plain] = {}
    faults: list[Fault] = []
    for name, item in node.value.items():
        kind = known.get(name)
        if kind is None:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            where = Node(name, item.key_where or item.where)
            faults.append(Fault(f"{name!r} is not known here", hint, where))
        elif item.value is not None:
            try:
                values[name] = kind.parse(item)  # type: ignore[assignment]
            except Refused as refused:
                faults += [
                    Fault(f"{name}: {fault.message}", fault.hint, fault.node or item)
                    for fault in refused.faults
                ]
    return values, faults


def _one_of(node: Node, how: Mapping[str, ValueType], *, required: bool) -> list[Fault]:
    assert isinstance(node.value, Mapping)
    written = [name for name, item in node.value.items() if name in how and item.value is not None]
    *most, last = how
    either = f"{', '.join(most)} or {last}"
    if len(written) > 1:
        return [Fault(f"{' and '.join(written)} cannot both be asked", f"keep {either}", node)]
    misspelled = any(name not in _HEALTH and name not in how for name in node.value)
    if required and not written and not misspelled:
        return [Fault(f"it does not say how to find out: write {either}", node=node)]
    return []


def _schema(known: Mapping[str, ValueType], *, boolean: bool) -> Schema:
    null: Schema = {"type": "null"}
    return {
        "anyOf": [
            *([{"type": "boolean"}] if boolean else []),
            {"type": "integer", "minimum": 1, "maximum": 65_535},
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "properties": {n: {"anyOf": [kind.schema(), null]} for n, kind in known.items()},
                "additionalProperties": False,
            },
        ]
    }
