"""The words of a JavaScript text, as far as finding literals in it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_ESCAPE = r"\\(?:\r\n|[\s\S])"
_HEX = "[0-9a-fA-F]"
_DIGITS = "[0-9](?:_?[0-9])*"
_TOKEN = re.compile(
    rf"""
      (?P<blank>   (?: \s | \ufeff | //[^\r\n\u2028\u2029]* | /\*[\s\S]*?\*/ )+ )
    | (?P<name>    (?: [^\W\d] | [$\\] ) [\w$\\]* )
    | (?P<number>  0[xX]{_HEX}(?:_?{_HEX})*n? | 0[oO][0-7](?:_?[0-7])*n? | 0[bB][01](?:_?[01])*n?
                 | (?: {_DIGITS}(?:\.(?:{_DIGITS})?)? | \.{_DIGITS} ) (?:[eE][+-]?[0-9]+)? n? )
    | (?P<string>  "(?:[^"\\\r\n]|{_ESCAPE})*+" | '(?:[^'\\\r\n]|{_ESCAPE})*+' )
    | (?P<template> ` )
    | (?P<punctuation> \.\.\. | \?\.(?![0-9]) | => | [=!]==? | \*\* | && | \|\| | \?\? | \+\+ | --
                     | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_TEMPLATE_PART = re.compile(r"(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?P<end>`|\$\{)?")
_REGEX = re.compile(r"/(?:[^/\\\[\r\n]|\\.|\[(?:[^\]\\\r\n]|\\.)*\])+/[\w$]*")
# After these words a slash begins a regular expression; after any other name it divides.
_BEFORE_REGEX = frozenset(
    {"await", "case", "delete", "do", "else", "in", "instanceof", "new", "of", "return"}
    | {"throw", "typeof", "void", "yield"}
)

_DEEPEST = 100

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = frozenset(OPEN.values())


class Kind(Enum):
    """What a token is; a template with ``${...}`` in it is COMPUTED."""

    NAME = auto()
    NUMBER = auto()
    STRING = auto()
    TEMPLATE = auto()
    COMPUTED = auto()
    REGEX = auto()
    PUNCTUATION = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text, from offset ``start`` up to ``end``."""

    kind: Kind
    text: str
    start: int
    end: int

    def __str__(self) -> str:
        if self.kind is Kind.END:
            return "the end of the text"
        return self.text if len(self.text) <= 30 else f"{self.text[:27]}..."


class BadSyntax(Exception):
    """The text is not what was expected at ``offset``."""

    def __init__(self, offset: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.hint = hint


def tokens(text: str) -> list[Token]:
    """Every token of ``text`` but blanks and comments, the last one of kind END.

    Raises BadSyntax for a string, template or comment that does not end, and for templates that are
    nested too deep.
    """
    found = [*_scan(text, 0, 0)]
    return [*found, Token(Kind.END, "", len(text), len(text))]


def _scan(text: str, start: int, level: int) -> Iterator[Token]:
    """The tokens from ``start`` to the end, or to the brace that ends a template's ``${``.

    ``level`` is how many templates they are within.
    """
    position, depth = start, 0
    before: Token | None = None
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "the last alternative matches any character"
        kind, end = match.lastgroup or "", match.end()
        if kind == "blank":
            position = end
            continue
        if match[0] == "/" and text.startswith("/*", position):
            raise BadSyntax(position, "this comment does not end", "close it with */")
        if match[0] in "\"'":
            raise BadSyntax(
                position, "this string does not end", f"close it with {match[0]} on the same line"
            )
        if kind == "template":
            token = _template(text, position, level)
        elif (
            match[0] == "/"
            and _regex_may_follow(before)
            and (regex := _REGEX.match(text, position))
        ):
            token = Token(Kind.REGEX, regex[0], position, regex.end())
        else:
            token = Token(Kind[kind.upper()], match[0], position, end)
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        yield token
        if level and depth < 0:
            return
        before, position = token, token.end


def _template(text: str, start: int, level: int) -> Token:
    """The whole template literal that begins at ``start``."""
    if level >= _DEEPEST:
        raise BadSyntax(start, f"templates are nested more than {_DEEPEST} deep")
    position, kind = start + 1, Kind.TEMPLATE
    while True:
        match = _TEMPLATE_PART.match(text, position)
        assert match is not None, "an empty part matches"
        if match["end"] is None:
            raise BadSyntax(start, "this template string does not end", "close it with `")
        if match["end"] == "`":
            return Token(kind, text[start : match.end()], start, match.end())
        kind, position = Kind.COMPUTED, match.end()
        inner = [*_scan(text, position, level + 1)]
        position = inner[-1].end if inner else len(text)


def _regex_may_follow(before: Token | None) -> bool:
    if before is None:
        return True
    if before.kind is Kind.NAME:
        return before.text in _BEFORE_REGEX
    return (
        before.kind is Kind.PUNCTUATION
        and before.text not in CLOSE
        and before.text not in ("++", "--")
    )


def skip_group(words: list[Token], index: int) -> int:
    """The index after the bracket that closes the one at ``index``; raises BadSyntax."""
    opening = words[index]
    expected = [OPEN[opening.text]]
    while expected:
        index += 1
        word = words[index]
        if word.kind is Kind.END:
            raise BadSyntax(opening.start, f"this {opening.text} is not closed")
        if word.text in OPEN:
            expected.append(OPEN[word.text])
        elif word.text in CLOSE and word.text != (closing := expected.pop()):
            raise BadSyntax(word.start, f"expected '{closing}', found {word}")
    return index + 1
