"""Configurations in YAML: PyYAML's events made into nodes, with js-yaml's values.

Neither PyYAML's own constructor nor its composer serves: the one reads YAML 1.1 scalars (``off``,
``0123``, ``12:30``), the other loses which tags were written and does not bound its recursion.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pm2sd.ecosystem.js_scalars import HALF, is_text
from pm2sd.ecosystem.nodes import Node, Scalar, Source
from pm2sd.ecosystem.options.javascript import scalar_text
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.yaml_scalars import (
    MAPPING,
    MERGE,
    SEQUENCE,
    TAGGED,
    NotOne,
    plain_scalar,
    tag_name,
)
from pm2sd.ecosystem.yaml_text import disguise, not_allowed
from pm2sd.errors import InvalidConfig, Location, Problem

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 100
_MOST_VALUES = 100_000
_HINTS = (
    (r"cannot start any token", "indent with spaces; quote a value that begins with @, ` or %"),
    (r"mapping values are not allowed", "quote a value that has ': ' in it, and check the indent"),
    (
        r"did not find expected (key|'-' indicator)|block (mapping|sequence|collection)",
        "check the indent",
    ),
)


def read_yaml(places: Places, path: Path | None) -> Source:
    """The text of ``places`` as nodes, with the mistakes in them; raises InvalidConfig.

    That is raised for what ends reading: no YAML, too deep, too much. An alias stands for the very
    nodes of its anchor: their places are where they were written.
    """
    composer = _Composer(places)
    root = composer.document()
    return Source(places.name, path, places.text, root, problems=tuple(composer.problems))


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an anchor stands for, and how many values that is."""

    node: Node
    size: int


class _Composer:
    """Reads one document out of the events of a text; every method raises InvalidConfig.

    ``problems`` are the mistakes after which reading went on.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[Problem] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._values = 0
        self._depth = 0
        bad = not_allowed(places.text)
        if bad is not None:
            code = ord(places.text[bad])
            hint = f"write it in double quotes as \\x{code:02x}" if code < 0x100 else None
            raise places.invalid(bad, f"the character U+{code:04X} is not allowed in YAML", hint)
        self._disguise = disguise(places.text)
        self._loader = _LOADER(self._disguise.text)

    def document(self) -> Node:
        """The one document of the text."""
        try:
            self._next()  # the stream's start
            if isinstance(self._next(), StreamEndEvent):
                raise self.places.invalid(0, "there is nothing in this file but comments")
            node = self._node(self._next())
            self._next()  # the document's end
            if isinstance(event := self._next(), DocumentStartEvent):
                message = "a second document begins here; an ecosystem file is one document"
                self._problem(event, message, "remove the line ---")
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None
        return node

    def _next(self) -> Event:
        event: Event = self._loader.get_event()
        return event

    # ---- nodes

    def _node(self, event: Event) -> Node:
        """The node that begins with ``event``."""
        if isinstance(event, AliasEvent):
            return self._alias(event)
        assert isinstance(event, ScalarEvent | CollectionStartEvent), event
        self._count(event, 1)
        before = self._values - 1
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # incomplete: an alias of it would be a circle
        where = self.places.at(_offset(event))
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, where)
        else:
            is_list = isinstance(event, SequenceStartEvent)
            if event.tag not in (None, "!", SEQUENCE if is_list else MAPPING):
                self._refuse_tag(event)
            if self._depth >= _DEEPEST:
                raise self._invalid(event, f"this is nested more than {_DEEPEST} deep")
            self._depth += 1
            node = Node(self._sequence() if is_list else self._mapping(), where)
            self._depth -= 1
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, self._values - before)
        return node

    def _count(self, event: Event, values: int) -> None:
        """Bounds what aliases of aliases multiply to (js-yaml does not, and runs out of memory)."""
        self._values += values
        if self._values > _MOST_VALUES:
            raise self._invalid(event, f"this file has more than {_MOST_VALUES} values")

    def _alias(self, event: AliasEvent) -> Node:
        name = str(event.anchor)
        if name not in self._anchors:
            close = difflib.get_close_matches(name, self._anchors, 1)
            hint = f"did you mean *{close[0]}?" if close else "an anchor comes before its aliases"
            return self._refused(event, f"there is no anchor &{name} before this", hint)
        anchored = self._anchors[name]
        if anchored is None:
            return self._refused(event, f"*{name} is used within &{name} itself")
        self._count(event, anchored.size)
        return anchored.node

    def _sequence(self) -> tuple[Node, ...]:
        items = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event))
        return tuple(items)

    def _mapping(self) -> Mapping[str, Node]:
        members: dict[str, Node] = {}
        written: dict[str, Location] = {}  # not what ``<<`` brought, which own keys replace
        while not isinstance(event := self._next(), MappingEndEvent):
            if _is_merge(event):
                for source in self._sources():
                    members = {**source, **members}
                continue
            key_where = self.places.at(_offset(event))
            key = self._key(event)
            node = replace(self._node(self._next()), key_where=key_where)
            if key is None:
                continue
            if (first := written.setdefault(key, key_where)) is not key_where:
                self._duplicate(event, key, first)
            members[key] = node
        return members

    def _sources(self) -> Iterator[Mapping[str, Node]]:
        """The mappings that the value of a ``<<`` names, the first one the strongest."""
        event = self._next()
        node = self._node(event)
        for item in node.value if isinstance(node.value, tuple) else (node,):
            if isinstance(item.value, Mapping):
                yield item.value
            elif not item.refused:
                message = f"<< takes a mapping or a list of mappings, and this is {item.kind}"
                self._problem(event, message, "as in <<: *defaults")

    def _key(self, event: Event) -> str | None:
        """A key, as JavaScript makes a string of it; None after a mistake in it."""
        node = self._node(event)
        if node.refused:
            return None
        match node.value:
            case None:
                return "null"
            case bool() | int() | float() | str() as scalar:
                return scalar_text(scalar)
            case _:
                self._problem(event, f"a key must be a string, and this is {node.kind}")
                return None

    def _duplicate(self, event: Event, key: str, first: Location) -> None:
        at = f"first in line {first.line}, column {first.column}"
        self._problem(event, f"the key {key!r} is here twice: {at}", "remove one of them")

    # ---- scalars

    def _scalar(self, event: ScalarEvent, where: Location) -> Node:
        text = self._disguise.restore(event.value)
        value: Scalar = text
        if not is_text(text):
            return self._refused(event, HALF, "\\ud800 to \\udfff go in pairs")
        if event.tag in TAGGED:
            try:
                value = TAGGED[event.tag](text)
            except NotOne:
                message = f"{text!r} is not what its tag {tag_name(event.tag)} says"
                return self._refused(event, message)
        elif event.tag not in (None, "!"):
            self._refuse_tag(event)
            return Node(None, where, refused=True)
        elif event.tag is None and event.implicit[0]:
            value = plain_scalar(text)
        if isinstance(value, float) and math.isnan(value):
            hint = 'quote it to mean the text: ".nan"'
            return self._refused(event, f"{text} is not a number", hint)
        return Node(value, where)

    # ---- mistakes

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent) -> None:
        known = ", ".join(tag_name(tag) for tag in (*TAGGED, SEQUENCE, MAPPING))
        self._problem(
            event, f"the tag {tag_name(str(event.tag))} is not known", f"known are {known}"
        )

    def _refused(self, event: Event, message: str, hint: str | None = None) -> Node:
        """A mistake, and the node that stands in its place."""
        self._problem(event, message, hint)
        return Node(None, self.places.at(_offset(event)), refused=True)

    def _problem(self, event: Event, message: str, hint: str | None = None) -> None:
        self.problems.append(self.places.problem(_offset(event), message, hint))

    def _invalid(self, event: Event, message: str, hint: str | None = None) -> InvalidConfig:
        """The error that ends reading, after the mistakes found before."""
        self._problem(event, message, hint)
        return InvalidConfig(self.problems)

    def _syntax(self, error: yaml.MarkedYAMLError) -> InvalidConfig:
        mark = error.problem_mark or error.context_mark
        context = f" ({error.context})" if error.context else ""
        message = f"this is not YAML: {error.problem}{context}"
        hint = next((hint for pattern, hint in _HINTS if re.search(pattern, message)), None)
        offset = getattr(mark, "index", 0)
        return InvalidConfig([*self.problems, self.places.problem(offset, message, hint)])


def _offset(event: Event) -> int:
    mark = event.start_mark
    assert mark is not None, "every event of a text has its place"
    return mark.index


def _is_merge(event: Event) -> bool:
    if not isinstance(event, ScalarEvent) or event.value != "<<":
        return False
    return event.tag == MERGE or (event.tag is None and bool(event.implicit[0]))
