"""Option values that are objects of known keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.types import Fault, Refused, Schema, ValueType


@dataclass(frozen=True, slots=True)
class Parts(ValueType):
    """An object with a type for each of its keys; null counts as not written."""

    label: str
    kinds: Mapping[str, ValueType]
    required: tuple[str, ...] = ()

    def parse(self, node: Node) -> dict[str, object]:
        """The values by key."""
        if not isinstance(node.value, Mapping):
            raise self.refuse(node)
        faults: list[Fault] = []
        values: dict[str, object] = {}
        for name, item in node.value.items():
            if name not in self.kinds:
                faults.append(self._unknown(name, item))
            elif item.value is not None:
                try:
                    values[name] = self.kinds[name].parse(item)
                except Refused as refused:
                    faults += [
                        Fault(f"{name}: {fault.message}", fault.hint, fault.node or item)
                        for fault in refused.faults
                    ]
        written = {name for name, item in node.value.items() if item.value is not None}
        faults += [
            Fault(f"{name} is missing", f"expected {self.label}", node)
            for name in self.required
            if name not in written
        ]
        if faults:
            raise Refused(*faults)
        return values

    def schema(self) -> Schema:
        """An object with these keys only."""
        properties = {
            name: {"anyOf": [kind.schema(), {"type": "null"}]} for name, kind in self.kinds.items()
        }
        found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return found | {"required": list(self.required)} if self.required else found

    def _unknown(self, name: str, item: Node) -> Fault:
        near = get_close_matches(name, self.kinds, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(self.kinds)}"
        return Fault(f"{name!r} is not known here", hint, Node(name, item.key_where or item.where))
