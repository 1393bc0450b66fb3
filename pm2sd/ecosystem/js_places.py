"""Where the values of an evaluated JavaScript text stand in it.

Only what can be seen without running the text gets a place: the members of object literals, also
behind a top-level ``const``. A literal that says something else than the value that came out was
changed at run time, and nothing within it is trusted: no line is better than a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pm2sd.ecosystem.js_literal import Array, Entry, Literal, Object, Parser, Unknown, Variable
from pm2sd.ecosystem.js_tokens import OPEN, BadSyntax, Kind, Token, skip_group, tokens
from pm2sd.ecosystem.nodes import Node, Plain
from pm2sd.ecosystem.places import Places, key_path
from pm2sd.errors import Location

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Locator:
    """Makes nodes of values that came out of evaluating ``places.text``."""

    places: Places
    constants: Mapping[str, Literal]

    def node(
        self,
        value: Plain,
        literal: Literal | None,
        steps: Steps = (),
        key: Location | None = None,
        *,
        refused: frozenset[Steps] = frozenset(),
    ) -> Node:
        """The value as nodes; ``literal`` is what the text has in its place, as far as known.

        ``refused`` are the paths of what no configuration can hold.
        """
        content = self._content(literal)
        if content is not None and not self._agrees(value, content):
            literal = content = key = None
        where = (
            self.places.at(literal.start)
            if literal is not None
            else Location(self.places.name, key=key_path(steps))
        )
        if steps in refused:
            return Node(None, where, key, refused=True)
        match value:
            case dict():
                entries = self._entries(content)
                members = {
                    name: self._member(item, entries.get(name), (*steps, name), refused)
                    for name, item in value.items()
                }
                return Node(members, where, key)
            case list():
                items = self._items(content, len(value))
                listed = (
                    self.node(item, found, (*steps, index), refused=refused)
                    for index, (item, found) in enumerate(zip(value, items, strict=True))
                )
                return Node(tuple(listed), where, key)
            case scalar:
                return Node(scalar, where, key)

    def _member(
        self, value: Plain, entry: Entry | None, steps: Steps, refused: frozenset[Steps]
    ) -> Node:
        if entry is None:
            return self.node(value, None, steps, refused=refused)
        return self.node(value, entry.value, steps, self.places.at(entry.start), refused=refused)

    def _content(self, literal: Literal | None) -> Literal | None:
        """The literal itself, or what the constant that it names was declared as."""
        for _ in range(len(self.constants) + 1):
            if literal is None or not isinstance(literal.value, Variable):
                return literal
            literal = self.constants.get(literal.value.name)
        return None

    def _agrees(self, value: Plain, literal: Literal) -> bool:
        """Whether the literal can be what the value comes from, one level deep."""
        match literal.value:
            case Unknown() | Variable():
                return True
            case Object():
                return isinstance(value, dict) and all(
                    self._member_agrees(value, name, entry.value)
                    for name, entry in self._entries(literal).items()
                )
            case Array(items):
                return isinstance(value, list) and (None in items or len(items) == len(value))
            case bool() | str() | None as scalar:
                return value is scalar or (isinstance(value, str) and value == scalar)
            case float() as number if math.isnan(number):
                return value is None  # it is refused, at this place
            case number:  # which JavaScript rounds to what a double can hold
                if not isinstance(value, (int, float)) or isinstance(value, bool):
                    return False
                return float(value) == float(number)

    def _member_agrees(self, value: dict[str, Plain], name: str, literal: Literal) -> bool:
        """As ``_agrees`` for scalars; a member that is no scalar is looked at in its turn."""
        if isinstance(literal.value, Unknown | Variable):
            return True  # also if it is not there: what is undefined is left out
        if name not in value:
            return False
        return isinstance(literal.value, Object | Array) or self._agrees(value[name], literal)

    @staticmethod
    def _entries(literal: Literal | None) -> dict[str, Entry]:
        """The members whose keys are known and that nothing unknown after them can replace."""
        found: dict[str, Entry] = {}
        if literal is not None and isinstance(literal.value, Object):
            for entry in literal.value.entries:
                if entry.key is None:
                    found.clear()
                else:
                    found[entry.key] = entry
        return found

    @staticmethod
    def _items(literal: Literal | None, count: int) -> list[Literal | None]:
        """The elements before the first spread one, filled up to ``count``."""
        known: list[Literal | None] = []
        if literal is not None and isinstance(literal.value, Array):
            items = literal.value.items
            known.extend(items[: items.index(None)] if None in items else items)
        return (known + [None] * count)[:count]


@dataclass(frozen=True, slots=True)
class Exports:
    """What the text of a module says at its top level: its export, and its constants."""

    root: Literal | None
    constants: Mapping[str, Literal]


def exports(text: str) -> Exports:
    """The export of a module as far as it is a literal; empty where the text is beyond that."""
    try:
        return _exports(tokens(text))
    except BadSyntax:  # Node has accepted the text, so it is only beyond what is read here.
        return Exports(None, {})


def _exports(words: list[Token]) -> Exports:
    parser = Parser(words, strict=False)
    roots: list[Literal] = []
    named: list[Entry] = []
    constants: dict[str, Literal] = {}
    index = 0
    while words[index].kind is not Kind.END:
        start = words[index].start
        targets, after = _targets(words, index)
        if targets:
            literal, index = parser.value(after, "a value", statement=True)
            for target in targets:
                match target.split():
                    case ["const", name]:
                        constants[name] = literal
                    case ["export", name]:
                        named.append(Entry(start, name, literal))
                    case _:
                        roots.append(literal)
        elif words[index].text in OPEN:
            index = skip_group(words, index)
        else:
            index += 1
    return Exports(_root(roots, named), constants)


def _root(roots: list[Literal], named: list[Entry]) -> Literal | None:
    """One literal of what was assigned to the exports as a whole and by name."""
    if len(roots) > 1:
        return None
    if not roots:
        return Literal(named[0].start, Object(tuple(named))) if named else None
    whole = roots[0]
    if not named or not isinstance(whole.value, Object):
        return whole
    return Literal(whole.start, Object((*whole.value.entries, *named)))


# The beginnings of statements that declare or export something, and what each one is:
# "root", "const NAME", "export NAME" (X stands for the name).
_STATEMENTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("module", ".", "exports", "="), ("root",)),
    (("exports", "="), ("root",)),
    (("export", "default"), ("root",)),
    (("module", ".", "exports", ".", "X", "="), ("export X",)),
    (("exports", ".", "X", "="), ("export X",)),
    (("export", "const", "X", "="), ("export X", "const X")),
    (("const", "X", "="), ("const X",)),
)


def _targets(words: list[Token], index: int) -> tuple[tuple[str, ...], int]:
    """What the statement at ``index`` gives a value to, and the index of that value."""
    if index and words[index - 1].text == ".":
        return (), index
    for pattern, targets in _STATEMENTS:
        found = words[index : index + len(pattern)]
        texts = [word.text for word in found]
        name = texts[pattern.index("X")] if "X" in pattern and len(texts) == len(pattern) else "X"
        if texts == [name if part == "X" else part for part in pattern]:
            after = index + len(pattern)
            if targets == ("root",):  # module.exports = exports = { ... }
                _, more = _targets(words, after)
                return targets, max(after, more)
            return tuple(target.replace("X", name) for target in targets), after
    return (), index
