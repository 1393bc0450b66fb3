"""From what the user wrote to ``Declared``: every option found, parsed, and every mistake told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.nodes import Node, Source, plain
from pm2sd.ecosystem.options import ASIDE_PATTERN, ENV_BLOCK, Option, Zero, find, nearest
from pm2sd.ecosystem.options.numbers import number
from pm2sd.ecosystem.options.types import Refused
from pm2sd.errors import Location, Problem
from pm2sd.notes import Fidelity, Note

_ASIDE = re.compile(ASIDE_PATTERN)

# The fidelities that the user hears of for writing the option at all; what the others have to say
# depends on more than the option.
_TOLD = frozenset({Fidelity.APPROXIMATE, Fidelity.NO_EFFECT})

_IGNORED = "neither PM2 nor pm2sd has such an option; it is ignored"


@dataclass(slots=True)
class _Reading:
    """What was found so far in one app."""

    source: Source
    values: dict[str, object] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def declared(self, where: Location) -> Declared:
        """The result, with what the table has to say about the options."""
        notes = (*self.notes, *_remarks(self))
        return Declared(self.values, self.nodes, where, notes)

    def is_active(self, name: str) -> bool:
        """Whether an option was written with a value that means something."""
        option = find(name)
        return option is not None and name in self.values and not option.is_quiet(self.values[name])

    def wrong(self, message: str, where: Location | None, hint: str | None = None) -> None:
        self.problems.append(self.source.problem(message, where, hint))


def declare(node: Node, source: Source) -> tuple[Declared, list[Problem]]:
    """The options of one app in ``source``, and every mistake in them.

    With problems the Declared holds only what is right. A key that no option is near is noted (PM2
    drops it without a word); a slip of an option's name is a problem.
    """
    reading = _Reading(source)
    if not isinstance(node.value, Mapping):
        hint = "an app is an object with a script, and options beside it"
        reading.wrong(f"expected an app; got {node.kind}", node.where, hint)
        return reading.declared(node.where), reading.problems
    written = 0
    for key, child in node.value.items():
        option = find(key)
        if option is not None:
            written += option.required and (child.refused or child.value not in (None, ""))
            _take(reading, option, key, child)
        elif not _ASIDE.match(key):
            _unknown(reading, key, child)
    if not written:
        name = reading.values.get("name")
        the_app = "the app" if name is None else f"the app {name!r}"
        reading.wrong(f"{the_app} has no script", node.where, "add script: FILE")
    return reading.declared(node.where), reading.problems


def _unknown(reading: _Reading, key: str, child: Node) -> None:
    near = nearest(key)
    if near is None:
        reading.notes.append(Note(key, Fidelity.NO_EFFECT, _IGNORED))
    else:
        where = child.key_where or child.where
        reading.wrong(f"no option is called {key!r}", where, f"did you mean {near!r}?")


def _take(reading: _Reading, option: Option, key: str, child: Node) -> None:
    """Put one written option into the reading."""
    name = key if option is ENV_BLOCK else option.name
    if child.refused:
        reading.keys[name], reading.nodes[name] = key, child
        return
    if _is_unset(option, child):
        return
    if (zero := _lost_zero(option, child)) is not None:
        if zero.text:
            fidelity = Fidelity.BETTER if zero.kept else Fidelity.APPROXIMATE
            reading.notes.append(Note(name, fidelity, zero.text))
        if not zero.kept:
            return
    if name in reading.keys and reading.keys[name] != key:
        if plain(reading.nodes[name]) != plain(child):
            _twice(reading, name, key, child)
        return
    reading.keys[name], reading.nodes[name] = key, child
    try:
        value = option.type.parse(child)
    except Refused as refused:
        for fault in refused.faults:
            node = fault.node or child
            if not node.refused:
                reading.wrong(f"{key}: {fault.message}", node.where, fault.hint)
        return
    reading.values[name] = value


def _is_unset(option: Option, node: Node) -> bool:
    """Whether PM2 takes this value for an option that was not written (and no number 0)."""
    if node.value is None:
        return True
    if node.value == "":
        return option.forgets_false or option.type.blank_is_unset
    return node.value is False and option.forgets_false and not _takes(option, node)


def _takes(option: Option, node: Node) -> bool:
    try:
        option.type.parse(node)
    except Refused:
        return False
    return True


def _lost_zero(option: Option, node: Node) -> Zero | None:
    """What becomes of a 0 that PM2 loses; the text "0" it only loses where that means "off"."""
    if option.zero is None or number(node) != 0:
        return None
    return None if isinstance(node.value, str) and option.zero.text else option.zero


def _remarks(reading: _Reading) -> Iterator[Note]:
    """What the table says about options for being written, in the order they were."""
    for name, value in reading.values.items():
        option = find(name)
        assert option is not None
        if option.fidelity not in _TOLD or option.is_quiet(value):
            continue
        if not option.part_of or any(map(reading.is_active, option.part_of)):
            yield Note(name, option.fidelity, option.difference)


def _twice(reading: _Reading, name: str, key: str, child: Node) -> None:
    first = reading.nodes[name]
    reading.wrong(
        f"{key!r} and {reading.keys[name]!r} are the same option, with different values",
        child.key_where or child.where,
        f"the other one is at {first.key_where or first.where}; keep one",
    )
