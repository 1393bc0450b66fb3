"""Offsets in a text made into lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from pm2sd.errors import InvalidConfig, Location, Problem

# Not str.splitlines(), which also breaks at form feeds and U+2028: editors do not count those.
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def line_of(text: str, number: int) -> str | None:
    """The line with this number, counted from 1, without its end; None past the last one."""
    lines = _LINE_BREAK.split(text)
    return lines[number - 1] if 0 < number <= len(lines) else None


@dataclass(slots=True)
class Places:
    """A text that people call ``name``, and the place of every offset in it."""

    name: str
    text: str
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def at(self, offset: int) -> Location:
        """The line and column of the character at ``offset``."""
        line = bisect_right(self._starts, offset)
        return Location(self.name, line, offset - self._starts[line - 1] + 1)

    def line(self, number: int) -> str | None:
        """The line with this number, counted from 1; None past the last one."""
        return line_of(self.text, number)

    def problem(self, offset: int, message: str, hint: str | None = None) -> Problem:
        """A mistake at ``offset``, with the line of text it stands on."""
        where = self.at(offset)
        return Problem(message, where, hint, self.line(where.line or 1))

    def invalid(self, offset: int, message: str, hint: str | None = None) -> InvalidConfig:
        """The error that reports one mistake at ``offset``."""
        return InvalidConfig([self.problem(offset, message, hint)])


def key_path(steps: tuple[str | int, ...]) -> str:
    """A path of keys and indices as JavaScript writes it: ``apps[0].env["A-B"]``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_$][\w$]*", step):
            text += f".{step}" if text else step
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text
