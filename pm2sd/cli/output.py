"""Printing: data to stdout, everything else to stderr, colour only for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from pm2sd.errors import Problem
from pm2sd.systemd import scope

verbose = False
colourless = False
_silent = False
_results = True

_LONGEST_LINE = 120
"""Characters of a line of the user's file that are shown of one that is longer."""

_STYLES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "grey": "90",
    "bold": "1",
}


class ReaderGone(Exception):
    """Nobody reads our output any more (``| head``), which is no failure."""


def coloured(stream: TextIO) -> bool:
    """Whether to colour what goes to ``stream`` (no-color.org, and FORCE_COLOR)."""
    if colourless or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def paint(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in a style, where the stream (default: stdout) shows colours."""
    return _styled(text, style) if coloured(stream or sys.stdout) else text


def _styled(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style else text


def hush(*, results: bool) -> None:
    """Leave out remarks from now on; with ``results`` also what goes to stdout."""
    global _silent, _results
    _silent, _results = True, not results


def emit(text: str) -> None:
    """A line of data."""
    if _results:
        sys.stdout.write(text + "\n")


def emit_json(data: Any, *, indent: int | None = 2) -> None:
    r"""Data as JSON; a byte that is no UTF-8 is there as Python's escape of it, ``\udcff``."""
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    emit(text.encode(errors="backslashreplace").decode())


def say(text: str) -> None:
    """A remark for people."""
    if not _silent:
        warn(text)


def warn(text: str) -> None:
    """Something that went wrong, which ``--silent`` does not hide."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")


def caution(text: str, hint: str) -> None:
    """A warning for people, and what to type."""
    say(f"{paint('warning:', 'yellow', sys.stderr)} {text}")
    say(_hint(hint))


def advise(hint: str) -> None:
    """What to type, under something that went wrong."""
    warn(_hint(hint))


def _hint(text: str) -> str:
    return f"  {paint('hint:', 'cyan', sys.stderr)} {scope.here(text)}"


def say_equivalent(command: str) -> None:
    """The systemctl line that does the same, with ``--verbose``."""
    if verbose:
        say(paint(f"+ {scope.here(command)}", "grey", sys.stderr))


def complain(problems: Iterable[Problem]) -> None:
    """Mistakes, each with its place, the line it stands on, a caret and a hint."""
    for problem in problems:
        place = f"{problem.where}: " if problem.where else ""
        warn(f"{place}{paint('error:', 'red', sys.stderr)} {problem.message}")
        if problem.source is not None and problem.where and problem.where.line:
            number = str(problem.where.line)
            source, column = _around(problem.source, (problem.where.column or 1) - 1)
            warn(f"  {number} | {source}")
            lead = "".join("\t" if c == "\t" else " " for c in source[:column])
            warn(f"  {' ' * len(number)} | {lead}^")
        if problem.hint:
            advise(problem.hint)


def _around(line: str, column: int) -> tuple[str, int]:
    """The part of a long line that ``column`` is in, and where it is in that part.

    A file that a program wrote is often one line, with every variable's value in it.
    """
    if len(line) <= _LONGEST_LINE:
        return line, column
    start = max(0, column - _LONGEST_LINE // 2)
    end = start + _LONGEST_LINE
    before, after = "..." if start else "", "..." if end < len(line) else ""
    return f"{before}{line[start:end]}{after}", column - start + len(before)


def table(headings: Sequence[str], rows: Iterable[Sequence[tuple[str, str]]]) -> str:
    """Rows of (text, style) under their headings, columns as wide as their widest cell."""
    lines = [[(heading, "bold") for heading in headings], *rows]
    widths = [max([len(text) for text, _ in column]) for column in zip(*lines, strict=True)]
    styles = coloured(sys.stdout)
    texts = []
    for line in lines:
        cells = zip(line, widths, strict=True)
        padded = [
            _styled(text.ljust(width), style if styles else "") for (text, style), width in cells
        ]
        texts.append("  ".join(padded).rstrip())
    return "\n".join(texts)
