"""The type of ``depends_on``: names of apps, each with what is waited for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.types import Fault, Refused, Schema, Text, ValueType, shown

CONDITIONS: Final = ("started", "ready")


@dataclass(frozen=True, slots=True)
class Dependencies(ValueType):
    """A name, a list of names, or an object from names to ``{condition: started}`` or ``ready``."""

    label: str = "a list of apps, or an object from their names to a condition"

    def parse(self, node: Node) -> dict[str, str]:
        """The condition of each app."""
        if not isinstance(node.value, str | tuple | Mapping):
            raise self.refuse(node)
        found: dict[str, str] = {}
        faults: list[Fault] = []
        for key, condition in entries(node):
            try:
                found[Text("the name of an app").parse(key)] = _condition(condition)
            except Refused as refused:
                faults += refused.faults
        if faults:
            raise Refused(*faults)
        return found

    def schema(self) -> Schema:
        """A string, an array of strings, or an object of conditions."""
        word: Schema = {"enum": list(CONDITIONS)}
        entry: Schema = {"type": "object", "properties": {"condition": word}}
        entry["additionalProperties"] = False
        return {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {
                    "type": "object",
                    "additionalProperties": {"anyOf": [{"type": "null"}, word, entry]},
                },
            ]
        }


def entries(node: Node) -> Iterator[tuple[Node, Node | None]]:
    """The names in a value of ``depends_on`` as nodes, with their conditions where written."""
    match node.value:
        case tuple() as items:
            yield from ((item, None) for item in items)
        case Mapping() as named:
            for name, child in named.items():
                yield Node(name, child.key_where or child.where), child
        case _:
            yield node, None


def _condition(node: Node | None) -> str:
    if node is None or node.value is None:
        return CONDITIONS[0]
    inner: Node | None = node
    if isinstance(node.value, Mapping):
        faults = [
            Fault(f"{key!r} is not known here", "there is condition", child)
            for key, child in node.value.items()
            if key != "condition"
        ]
        if faults:
            raise Refused(*faults)
        inner = node.value.get("condition")
    if inner is None:
        return CONDITIONS[0]
    if isinstance(inner.value, str) and inner.value in CONDITIONS:
        return inner.value
    raise Refused(Fault(f"expected started or ready; got {shown(inner)}", node=inner))
