"""Configurations in JSON as PM2 reads it, which is as a JavaScript expression.

Comments, trailing commas, bare keys, any quotes and any notation of numbers are read here, with
places for every key and value; an expression that is more than that is left to Node.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from pm2sd.ecosystem.js_literal import (
    Array,
    Entry,
    Literal,
    Object,
    Unknown,
    Variable,
    duplicates,
    first_unknown,
    parse,
)
from pm2sd.ecosystem.js_tokens import BadSyntax
from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_js import read_expression
from pm2sd.errors import InvalidConfig, Location, Problem


def read_json(places: Places, path: Path | None, timeout: float) -> Source:
    """The text of ``places`` as nodes, with every duplicate key and NaN among its problems.

    Raises InvalidConfig for what is no JSON to PM2 either.
    """
    try:
        literal = parse(places.text)
    except BadSyntax as error:
        raise places.invalid(error.offset, error.message, error.hint) from None
    problems = [_duplicate(places, *pair) for pair in duplicates(literal)]
    unknown = first_unknown(literal)
    if unknown is None:
        root = _node(literal, None, places, problems)
        return Source(places.name, path, places.text, root, problems=tuple(problems))
    try:
        source = read_expression(places, path, literal, unknown, timeout)
    except InvalidConfig as error:
        raise InvalidConfig([*problems, *error.problems()]) from None
    return replace(source, problems=(*problems, *source.problems))


def _duplicate(places: Places, earlier: Entry, later: Entry) -> Problem:
    first = places.at(earlier.start)
    return places.problem(
        later.start,
        f"the key {later.key!r} is here twice: first in line {first.line}, column {first.column}",
        "remove one of them",
    )


def _node(literal: Literal, key: Location | None, places: Places, problems: list[Problem]) -> Node:
    where = places.at(literal.start)
    match literal.value:
        case Object(entries):
            members = {
                entry.key: _node(entry.value, places.at(entry.start), places, problems)
                for entry in entries
                if entry.key is not None and entry.value.value is not Unknown.UNDEFINED
            }
            return Node(members, where, key)
        case Array(items):
            listed = (_node(item, None, places, problems) for item in items if item is not None)
            return Node(tuple(listed), where, key)
        case Unknown() | Variable():  # undefined in a list, which is null there
            return Node(None, where, key)
        case float() as number if math.isnan(number):
            hint = "write the number, or leave the key out"
            problems.append(places.problem(literal.start, "NaN is not a number", hint))
            return Node(None, where, key, refused=True)
        case scalar:
            return Node(scalar, where, key)
