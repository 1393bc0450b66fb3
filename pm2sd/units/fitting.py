"""What fits where in a unit file, before it is written there; ``pm2sd.units.escape`` writes it.

The rules were measured on systemd 252 and 257, as those of ``escape``.
"""

from __future__ import annotations

import re
from typing import Final

from pm2sd.units.model import Output, Specifier, Text

# systemd takes Unicode's noncharacters for broken UTF-8 (unichar_is_valid in utf8.c) and then
# drops the line or refuses the unit.
NOT_UTF8: Final = "\ud800-\udfff\ufdd0-\ufdef" + "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)
_FOREIGN: Final = re.compile(f"[{NOT_UTF8}]")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE_BREAK: Final = re.compile(r"[\n\r]")
_PROGRAM_TABOO: Final = re.compile(f"[\"'\\\\\x00-\x1f\x7f{NOT_UTF8}]")
_SHOWN: Final = 40


def parts(text: Text) -> tuple[str | Specifier, ...]:
    """The pieces of a text: literal strings, and what systemd fills in."""
    return (text,) if isinstance(text, str) else text


def literals(text: Text) -> tuple[str, ...]:
    """The literal strings of a text."""
    return tuple(part for part in parts(text) if isinstance(part, str))


def shown(text: Text) -> str:
    """A text for an error message: quoted, shortened."""
    whole = "".join(part if isinstance(part, str) else part.value for part in parts(text))
    return repr(whole if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}...")


def is_variable_name(name: str) -> bool:
    """Whether systemd keeps a variable of this name; it drops others without a word."""
    return _VARIABLE.fullmatch(name) is not None


def is_utf8(text: Text) -> bool:
    """Whether systemd takes the text for UTF-8, as most places require."""
    return not any(_FOREIGN.search(literal) for literal in literals(text))


def fits_program(path: Text) -> bool:
    """Whether ExecStart= accepts the path of a program (string_is_safe, path_is_absolute)."""
    whole = "".join(literals(path))
    return whole.startswith("/") and not whole.endswith("/") and not _PROGRAM_TABOO.search(whole)


def fits_path(path: Text) -> bool:
    """Whether an unquoted path can be written, if something that is no blank follows it."""
    return is_utf8(path) and not _LINE_BREAK.search("".join(literals(path)))


def fits_output(output: Output) -> bool:
    """Whether StandardOutput= can name the file: it strips blanks, and a backslash continues."""
    last = parts(output.path)[-1]
    return fits_path(output.path) and not (isinstance(last, str) and last.endswith((*" \t", "\\")))


def is_bytes(text: str) -> bool:
    """Whether the text stands for bytes: every surrogate in it is one of Python's escapes."""
    return not re.search("[\ud800-\udc7f\udd00-\udfff]", text)
