"""Configurations in JavaScript: modules that export one, and expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pm2sd.ecosystem.js_literal import Literal
from pm2sd.ecosystem.js_places import Locator, Steps, exports
from pm2sd.ecosystem.js_scalars import is_text
from pm2sd.ecosystem.nodes import Node, Plain, Source
from pm2sd.ecosystem.places import Places, key_path
from pm2sd.ecosystem.read_node import Evaluated, evaluate, find_node
from pm2sd.errors import InvalidConfig, Location, Problem

_HINTS = {
    "a function": "write its result",
    "a Promise": "a configuration is read at once; in an .mjs file: export default await ...",
    "NaN": "a computed number came out as none: is a variable missing?",
    "a Map": "write an object: Object.fromEntries(map)",
    "a Set": "write a list: [...set]",
}
_ROOT_HINTS = {
    "a function": "export the object itself: module.exports = { apps: [...] }",
    "a Promise": "in an .mjs file: export default await ...",
}


def read_module(places: Places, path: Path, timeout: float) -> Source:
    """The export of a JavaScript file; raises InvalidConfig if evaluating it goes wrong."""
    node = find_node()
    if node is None:
        message = f"{places.name} is JavaScript: reading it takes Node, and there is none on PATH"
        hint = "install it (Debian: apt install nodejs), or write the file as YAML or JSON"
        raise InvalidConfig([Problem(message, Location(places.name), hint)])
    evaluated = evaluate("file", node, places, path, Location(places.name), timeout)
    found = exports(places.text)
    return _source(places, path, evaluated, Locator(places, found.constants), found.root)


def read_expression(
    places: Places, path: Path | None, literal: Literal, unknown: int, timeout: float
) -> Source:
    """The value of a JSON text that takes evaluating, as PM2 does; raises InvalidConfig.

    ``literal`` is the text as far as it can be read without; ``unknown`` is the offset of the
    first thing that cannot.
    """
    node = find_node()
    if node is None:
        raise places.invalid(
            unknown,
            "this is no plain value: it takes Node to evaluate, and there is no Node on PATH",
            'write the value itself (a string in "quotes"), or install Node (Debian: nodejs)',
        )
    evaluated = evaluate("expression", node, places, path, places.at(unknown), timeout)
    return _source(places, path, evaluated, Locator(places, {}), literal)


def _source(
    places: Places,
    path: Path | None,
    evaluated: Evaluated,
    locator: Locator,
    literal: Literal | None,
) -> Source:
    refused = [*evaluated.refused, *_bad_strings(evaluated.value)]
    root = locator.node(evaluated.value, literal, refused=frozenset(at for at, _ in refused))
    problems = tuple(_refusal(places, root, at, what) for at, what in refused)
    return Source(places.name, path, places.text, root, evaluated.env_read, problems)


def _refusal(places: Places, root: Node, at: Steps, what: str) -> Problem:
    """Why the value at a path cannot be, at the place of its key or its own."""
    node = root
    for step in at:
        match node.value, step:
            case tuple() as items, int():
                node = items[step]
            case dict() as members, str():
                node = members[step]
    message = f"{key_path(at)} is {what}, which no configuration can hold"
    hint = _HINTS.get(what)
    if not at:
        message, hint = f"{places.name} exports {what}", _ROOT_HINTS.get(what)
    source = places.line(node.where.line) if node.where.line else None
    return Problem(message, node.where, hint, source)


def _bad_strings(value: Plain, at: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """The strings that are not text."""
    match value:
        case dict():
            for key, item in value.items():
                if not is_text(key):
                    yield at, "an object with half a character in a key"
                yield from _bad_strings(item, (*at, key))
        case list():
            for index, item in enumerate(value):
                yield from _bad_strings(item, (*at, index))
        case str() if not is_text(value):
            yield at, "a string with half a character in it"
