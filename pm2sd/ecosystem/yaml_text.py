r"""A YAML text as libyaml can take it, of the same length, and back.

libyaml is a YAML 1.1 parser. It ends a line at U+0085, U+2028 and U+2029, which YAML 1.2 has for
ordinary characters, and refuses the pairs of escapes (``\ud83d\ude00``) that JSON writes for
characters beyond U+FFFF. Both are replaced by private characters that the text does not use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NOT_ALLOWED = re.compile(
    r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_ENDS = "\x85\u2028\u2029"
_HALF = re.compile(r"\\u[dD][89a-fA-F][\da-fA-F]{2}")
_PRIVATE = range(0xE000, 0xF900)


def not_allowed(text: str) -> int | None:
    """The offset of the first character that no YAML may have, or None."""
    found = _NOT_ALLOWED.search(text)
    return found.start() if found else None


@dataclass(frozen=True, slots=True)
class Disguise:
    """``text`` is what libyaml gets; ``restore`` undoes the change in a scalar."""

    text: str
    _characters: dict[int, int | str]
    _escapes: dict[str, str]

    def restore(self, value: str) -> str:
        """The scalar as it was written; half a character that stands alone stays one."""
        if not self._characters:
            return value
        for disguised, written in self._escapes.items():  # in a scalar that knows no escapes
            value = value.replace(disguised, written)
        halves = value.translate(self._characters).encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le", "surrogatepass")


def disguise(text: str) -> Disguise:
    """The text with what libyaml misreads replaced."""
    line_ends = [character for character in _LINE_ENDS if character in text]
    halves = sorted(set(_HALF.findall(text)))
    if not line_ends and not halves:
        return Disguise(text, {}, {})
    unused = _unused(text)
    characters: dict[int, int | str] = {}
    escapes: dict[str, str] = {}
    # Where the text uses every private character, the rest stays as it is and libyaml says so.
    for character, code in zip(line_ends, unused, strict=False):
        characters[code] = character
        text = text.replace(character, chr(code))
    for half, code in zip(halves, unused, strict=False):
        characters[code] = int(half.removeprefix("\\u"), 16)
        escapes[f"\\u{code:04x}"] = half
    written = {half: disguised for disguised, half in escapes.items()}
    text = _HALF.sub(lambda match: written.get(match[0], match[0]), text)
    return Disguise(text, characters, escapes)


def _unused(text: str) -> Iterator[int]:
    """Private characters that the text has neither as such nor as an escape."""
    lower = text.lower()
    return (code for code in _PRIVATE if chr(code) not in text and f"\\u{code:04x}" not in lower)
