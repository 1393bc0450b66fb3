r"""Environment files as Node's dotenv reads them; a line it would skip without a word is a mistake.

- ``NAME=value``, also ``export NAME=value`` and ``NAME: value``; blanks around them do not count
- ``#`` begins a comment, anywhere outside of quotes
- values in ``'``, ``"`` or `````` ` `````` may hold line breaks and ``#``; only ``\n`` and ``\r``
  within ``"`` mean something, every other backslash stays
- nothing is expanded, neither ``$NAME`` nor ``$(command)``
- a name that comes twice has its last value
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# JavaScript's blanks within a line.
_BLANKS: Final = r"[\t\v\f \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]"
_BETWEEN: Final = re.compile(rf"(?:{_BLANKS}|\n|#[^\n]*)+")
_END: Final = rf"{_BLANKS}*(?:\#[^\n]*)?(?:\n|\Z)"
_ENTRY: Final = re.compile(
    rf"""
    (?: export {_BLANKS}+ )?
    (?P<name> [A-Za-z0-9_.-]+ ) (?: {_BLANKS}*= | :(?={_BLANKS}) ) {_BLANKS}*
    (?: (?P<quoted> (?P<quote>['"`]) (?: \\(?P=quote) | (?!(?P=quote))[\s\S] )* (?P=quote) )
        (?={_END})
      | (?P<bare> [^\#\n]* )
    )
    {_END}
    """,
    re.VERBOSE,
)
_LINE: Final = re.compile(r"[^\n]*")
_QUOTES: Final = ("'", '"', "`")


@dataclass(frozen=True, slots=True)
class Variable:
    """One assignment and its place; lines and columns count from 1."""

    name: str
    value: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that assigns nothing, though it is neither empty nor a comment."""

    text: str
    line: int
    column: int


def parse(text: str) -> Iterator[Variable | Skipped]:
    """The assignments of a file in their order, and the lines that are none."""
    text = re.sub(r"\r\n?", "\n", text)
    position = 0
    while True:
        if between := _BETWEEN.match(text, position):
            position = between.end()
        if position == len(text):
            return
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        if entry := _ENTRY.match(text, position):
            yield Variable(entry["name"], _value(entry["quoted"], entry["bare"]), line, column)
            position = entry.end()
        else:
            rest = _LINE.match(text, position)
            assert rest is not None
            yield Skipped(rest[0], line, column)
            position = rest.end()


def _value(quoted: str | None, bare: str | None) -> str:
    text = re.sub(rf"\A{_BLANKS}+|{_BLANKS}+\Z", "", bare or "") if quoted is None else quoted
    double = text.startswith('"')
    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        text = text[1:-1]
    return text.replace("\\n", "\n").replace("\\r", "\r") if double else text
