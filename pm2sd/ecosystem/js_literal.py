"""Literals in JavaScript: what an expression says without being run.

Objects, arrays, strings, numbers and words such as ``true`` are read; of everything else
(calls, operators, variables) only the place is known. JSON is the case where nothing else occurs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from pm2sd.ecosystem.js_scalars import number, unquote
from pm2sd.ecosystem.js_tokens import CLOSE, OPEN, BadSyntax, Kind, Token, skip_group, tokens
from pm2sd.ecosystem.nodes import Scalar
from pm2sd.ecosystem.options.javascript import number_text

DEEPEST = 100


class Unknown(Enum):
    """A value that is no literal: an EXPRESSION, or UNDEFINED."""

    EXPRESSION = auto()
    UNDEFINED = auto()


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that is the name of a variable and nothing more."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value and the offset it begins at."""

    start: int
    value: LiteralValue


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an object; ``key`` is None for ``...x``, ``[x]`` and the like."""

    start: int
    key: str | None
    value: Literal


@dataclass(frozen=True, slots=True)
class Object:
    """The members of an object in the order of the text, duplicates included."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """The elements of an array; a spread one (``...x``) is None."""

    items: tuple[Literal | None, ...]


LiteralValue: TypeAlias = Scalar | Unknown | Variable | Object | Array

_WORDS: dict[str, Scalar | Unknown] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": Unknown.UNDEFINED,
    "NaN": math.nan,
    "Infinity": math.inf,
}
# Words that are no variable but the beginning of an expression.
_EXPRESSION_WORDS = frozenset(
    {"async", "await", "class", "delete", "function", "new", "typeof", "void", "yield"}
)
# Words that carry an expression on after a value; of the punctuation, all that is no bracket,
# comma or colon does.
_OPERATOR_WORDS = frozenset({"in", "instanceof"})
_NO_OPERATOR = frozenset({",", ":", "{", "@", "#", *CLOSE})
# Of the punctuation, what an expression that is no literal begins with.
_START = frozenset({"(", "!", "~", "+", "-", "++", "--"})


def parse(text: str) -> Literal:
    """The one value that ``text`` is; raises BadSyntax."""
    words = tokens(text)
    literal, index = Parser(words, strict=True).value(0, "a value")
    rest = words[index]
    if rest.kind is not Kind.END:
        raise BadSyntax(rest.start, f"expected the end after the value, found {rest}")
    return literal


class Parser:
    """Reads literals out of a list of tokens; every method raises BadSyntax.

    Unless it is ``strict``, a string or number that pm2sd refuses counts as an expression.
    """

    def __init__(self, words: list[Token], *, strict: bool) -> None:
        self.words = words
        self._strict = strict
        self._depth = 0

    def value(self, index: int, expected: str, *, statement: bool = False) -> tuple[Literal, int]:
        """The value at ``index`` and the index after it; a ``statement`` ends at ``;`` too."""
        word = self.words[index]
        simple = self._simple(index, expected)
        if simple is not None:
            value, after = simple
            if self._ends(after, statement=statement):
                return Literal(word.start, value), after
        after = self._skip_expression(index, statement=statement)
        return Literal(word.start, Unknown.EXPRESSION), after

    def _simple(self, index: int, expected: str) -> tuple[LiteralValue, int] | None:
        """The literal at ``index``, though an operator may follow it; None for anything else."""
        word, following = self._two(index)
        match word.kind, word.text:
            case ((Kind.STRING | Kind.TEMPLATE | Kind.NUMBER), _):
                return self._scalar(word), index + 1
            case Kind.NAME, text if text in _EXPRESSION_WORDS:
                return None
            case Kind.NAME, text:
                return _WORDS.get(text, Variable(text)), index + 1
            case Kind.PUNCTUATION, ("+" | "-") as sign:
                operand: object = None
                if following.kind is Kind.NUMBER or following.text == "Infinity":
                    operand = _WORDS.get(following.text) or self._scalar(following)
                if not isinstance(operand, int | float):
                    return None
                return (-operand if sign == "-" else operand), index + 2
            case Kind.PUNCTUATION, ("{" | "[") as bracket:
                if self._depth >= DEEPEST:
                    raise BadSyntax(word.start, f"this is nested more than {DEEPEST} deep")
                self._depth += 1
                read = self._object if bracket == "{" else self._array
                result = read(index)
                self._depth -= 1
                return result
            case ((Kind.END | Kind.PUNCTUATION), text) if text not in _START:
                raise BadSyntax(word.start, f"expected {expected}, found {word}")
            case _:
                return None

    def _scalar(self, word: Token) -> Scalar | Unknown:
        try:
            if word.kind is Kind.NUMBER:
                return number(word.text, word.start)
            return unquote(word.text, word.start)
        except BadSyntax:
            if self._strict:
                raise
            return Unknown.EXPRESSION

    def _two(self, index: int) -> tuple[Token, Token]:
        return self.words[index], self.words[min(index + 1, len(self.words) - 1)]

    def _ends(self, index: int, *, statement: bool) -> bool:
        """Whether the value before ``index`` is all there is, and no operator follows."""
        word = self.words[index]
        if statement and word.text == ";":
            return True
        if word.kind is Kind.NAME:
            return word.text not in _OPERATOR_WORDS
        if word.kind in (Kind.TEMPLATE, Kind.COMPUTED):
            return False
        return word.kind is not Kind.PUNCTUATION or word.text in _NO_OPERATOR

    def _skip_expression(self, index: int, *, statement: bool) -> int:
        """The index of the comma, bracket or semicolon that ends the expression at ``index``."""
        while True:
            word = self.words[index]
            if word.kind is Kind.END or word.text in CLOSE or word.text == ",":
                return index
            if statement and word.text == ";":
                return index
            index = skip_group(self.words, index) if word.text in OPEN else index + 1

    def _array(self, index: int) -> tuple[Array, int]:
        opening, index = self.words[index], index + 1
        items: list[Literal | None] = []
        while self.words[index].text != "]":
            if self.words[index].text == "...":
                index = self._skip_expression(index, statement=False)
                items.append(None)
            else:
                item, index = self.value(index, "a value or ']'")
                items.append(item)
            index = self._separator(index, opening)
        return Array(tuple(items)), index + 1

    def _object(self, index: int) -> tuple[Object, int]:
        opening, index = self.words[index], index + 1
        entries: list[Entry] = []
        while self.words[index].text != "}":
            entry, index = self._entry(index)
            entries.append(entry)
            index = self._separator(index, opening)
        return Object(tuple(entries)), index + 1

    def _entry(self, index: int) -> tuple[Entry, int]:
        word, following = self._two(index)
        unknown = Literal(word.start, Unknown.EXPRESSION)
        if word.text in ("...", "[", "*"):
            return Entry(word.start, None, unknown), self._skip_expression(index, statement=False)
        match word.kind:
            case Kind.NAME:
                key = word.text
            case Kind.STRING:
                key = unquote(word.text, word.start)
            case Kind.NUMBER:
                key = number_text(number(word.text, word.start))
            case _:
                raise BadSyntax(word.start, f"expected a key or '}}', found {word}")
        if following.text == ":":
            value, index = self.value(index + 2, f"the value of {key!r}")
            return Entry(word.start, key, value), index
        if following.text == "(":
            return Entry(word.start, key, unknown), self._skip_expression(index, statement=False)
        if word.kind is Kind.NAME and following.text in (",", "}"):
            return Entry(word.start, key, Literal(word.start, Variable(key))), index + 1
        if word.kind is Kind.NAME and word.text in ("get", "set", "async"):
            return Entry(word.start, None, unknown), self._skip_expression(index, statement=False)
        raise BadSyntax(following.start, f"expected ':' after the key {key!r}, found {following}")

    def _separator(self, index: int, opening: Token) -> int:
        """The index after the comma at ``index``, or that of the closing bracket there."""
        word, closing = self.words[index], OPEN[opening.text]
        if word.kind is Kind.END:
            raise BadSyntax(opening.start, f"this {opening.text} is not closed")
        if word.text == ",":
            return index + 1
        if word.text == closing:
            return index
        raise BadSyntax(word.start, f"expected ',' or '{closing}', found {word}")


def duplicates(literal: Literal) -> Iterator[tuple[Entry, Entry]]:
    """Every member that has the key of an earlier one of its object: (the earlier, the later)."""
    match literal.value:
        case Object(entries):
            first: dict[str, Entry] = {}
            for entry in entries:
                if entry.key is not None and first.setdefault(entry.key, entry) is not entry:
                    yield first[entry.key], entry
                yield from duplicates(entry.value)
        case Array(items):
            for item in items:
                if item is not None:
                    yield from duplicates(item)


def first_unknown(literal: Literal) -> int | None:
    """The offset of the first thing that only running it can tell; None if nothing."""
    return next(_unknowns(literal), None)


def _unknowns(literal: Literal) -> Iterator[int]:
    match literal.value:
        case Unknown.EXPRESSION | Variable():
            yield literal.start
        case Object(entries):
            for entry in entries:
                yield from _unknowns(entry.value)
        case Array(items):
            for item in items:
                yield from [literal.start] if item is None else _unknowns(item)
