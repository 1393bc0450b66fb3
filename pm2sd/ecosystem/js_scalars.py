"""Numbers and strings as JavaScript writes them."""

from __future__ import annotations

import math
import re
import sys

from pm2sd.ecosystem.js_tokens import BadSyntax

_LEADING_ZERO = re.compile(r"0\d")
_ESCAPE = re.compile(r"\\(\r\n|x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]{1,6}\}|[\s\S])")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS = frozenset({"\r\n", "\n", "\r", "\u2028", "\u2029"})


def number(text: str, start: int) -> int | float:
    """A number as JavaScript reads it, but for integers, which keep all their digits."""
    digits = text.replace("_", "").removesuffix("n")
    if _LEADING_ZERO.match(digits):
        hint = 'write it as a string ("0123"), or in octal as 0o123'
        raise BadSyntax(
            start, f"{text} has a leading zero, which may mean octal to JavaScript", hint
        )
    try:
        value: int | float = int(digits, 0)
    except ValueError:
        value = float(digits)
    return math.inf if value > sys.float_info.max else simplest(value)


def simplest(value: float) -> int | float:
    """A number as JavaScript knows it: 1.0 is 1 there, up to 1e21, where it changes notation."""
    if isinstance(value, int):
        return value
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def unquote(text: str, start: int) -> str:
    """The characters that a quoted string stands for; raises BadSyntax at a bad escape."""

    def replace(match: re.Match[str]) -> str:
        escape = match[1]
        if escape in _LINE_ENDS:
            return ""
        if len(escape) > 1:
            code = int(escape.strip("xu{}"), 16)
            if code > 0x10FFFF:
                raise BadSyntax(start + 1 + match.start(), f"{match[0]} is no character")
            return chr(code)
        if escape in "xu" or ("1" <= escape <= "9"):
            raise BadSyntax(start + 1 + match.start(), f"{match[0]} is no escape sequence")
        return _ESCAPED.get(escape, escape)

    if text[0] == "`":  # the others have line ends only where they are escaped
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    value = _ESCAPE.sub(replace, text[1:-1])
    value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if not is_text(value):
        raise BadSyntax(start, HALF, "\\ud800 to \\udfff go in pairs")
    return value


HALF = "this string has half a character in it"


def is_text(value: str) -> bool:
    """Whether there is no half of a surrogate pair that stands alone, as JavaScript allows."""
    return _HALF.search(value) is None
