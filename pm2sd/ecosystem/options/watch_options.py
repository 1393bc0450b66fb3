"""The value of ``watch_options``: options of chokidar, the library that watches for PM2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pm2sd.ecosystem.nodes import Node, plain
from pm2sd.ecosystem.options.lists import Strings
from pm2sd.ecosystem.options.numbers import Duration, Integer
from pm2sd.ecosystem.options.types import Boolean, Either, Fault, Refused, Schema, Text, ValueType

_STABLE_AFTER = 2000

# Options that are about how chokidar itself works: whatever they say, it is as good here.
WITHOUT_EFFECT = (
    "alwaysStat",
    "atomic",
    "binaryInterval",
    "ignorePermissionErrors",
    "persistent",
    "useFsEvents",
)


@dataclass(frozen=True, slots=True)
class _WriteFinish(ValueType):
    """``awaitWriteFinish``: how long a file must not change before it counts, in milliseconds."""

    label: str = "true, false, or an object with stabilityThreshold"

    def parse(self, node: Node) -> int:
        """The time; 0 for none."""
        match node.value:
            case bool() as on:
                return _STABLE_AFTER if on else 0
            case Mapping() as entries:
                threshold = entries.get("stabilityThreshold")
                if threshold is None or threshold.value is None:
                    return _STABLE_AFTER
                return Duration().parse(threshold)
            case _:
                raise self.refuse(node)

    def schema(self) -> Schema:
        """A boolean or an object."""
        threshold = {"anyOf": [{"type": "null"}, Duration().schema()]}
        return {
            "anyOf": [
                {"type": "boolean"},
                {"type": "object", "properties": {"stabilityThreshold": threshold}},
            ]
        }


@dataclass(frozen=True, slots=True)
class _Yes(ValueType):
    """``ignoreInitial``, which PM2 sets itself."""

    label: str = "true"

    def parse(self, node: Node) -> bool:
        """True."""
        if node.value is True:
            return True
        hint = "leave it out; with false PM2 restarts the app as soon as it has been started"
        raise self.refuse(node, hint)

    def schema(self) -> Schema:
        """Nothing but true."""
        return {"const": True}


_TYPES: Mapping[str, ValueType] = {
    "awaitWriteFinish": _WriteFinish(),
    "cwd": Text("a path"),
    "depth": Integer(0, 1000),
    "disableGlobbing": Boolean(),
    "followSymlinks": Boolean(),
    "ignoreInitial": _Yes(),
    "ignored": Either((Strings(),), "a path or pattern, or a list of them"),
    "interval": Duration(least=1),
    "usePolling": Boolean(),
}


@dataclass(frozen=True, slots=True)
class WatchOptions(ValueType):
    """An object of chokidar's options, under chokidar's names; null counts as not written."""

    label: str = "an object of chokidar's options"

    def parse(self, node: Node) -> dict[str, object]:
        """The options: times in milliseconds, ``ignored`` a tuple, those without effect as is."""
        if not isinstance(node.value, Mapping):
            raise self.refuse(node)
        faults: list[Fault] = []
        values: dict[str, object] = {}
        for name, item in node.value.items():
            if name in WITHOUT_EFFECT or item.value is None:
                values |= {} if item.value is None else {name: plain(item)}
            elif kind := _TYPES.get(name):
                try:
                    values[name] = kind.parse(item)
                except Refused as refused:
                    faults += [
                        Fault(f"{name}: {fault.message}", fault.hint, fault.node or item)
                        for fault in refused.faults
                    ]
            else:
                faults.append(_unknown(name, item))
        if faults:
            raise Refused(*faults)
        return values

    def schema(self) -> Schema:
        """An object with chokidar's options only."""
        null: Schema = {"type": "null"}
        return {
            "type": "object",
            "properties": {
                **{name: {"anyOf": [kind.schema(), null]} for name, kind in _TYPES.items()},
                **{name: {} for name in WITHOUT_EFFECT},
            },
            "additionalProperties": null,
        }


def _unknown(name: str, item: Node) -> Fault:
    near = get_close_matches(name, [*_TYPES, *WITHOUT_EFFECT], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(_TYPES))}"
    return Fault(
        f"no option of chokidar that can be carried over is called {name!r}",
        hint,
        Node(name, item.key_where or item.where),
    )
