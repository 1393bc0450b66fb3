"""Values in JavaScript's notation, laid out as Node's ``util.inspect`` does.

Scripts written for PM2 search the output of ``prettylist`` for ``key: 'value'``.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LINE: Final = 72


def inspect(value: Any, indent: int = 0) -> str:
    """The value (JSON-like data) as text; what fits stands on one line, unless it is nested."""
    match value:
        case dict():
            parts = [f"{_key(key)}: {inspect(item, indent + 2)}" for key, item in value.items()]
            return _enclosed("{", parts, "}", indent)
        case list() | tuple():
            return _enclosed("[", [inspect(item, indent + 2) for item in value], "]", indent)
        case str():
            return _quoted(value)
        case None | bool():
            return json.dumps(value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _enclosed(opening: str, parts: list[str], closing: str, indent: int) -> str:
    if not parts:
        return opening + closing
    line = f"{opening} {', '.join(parts)} {closing}"
    if len(line) + indent <= _LINE and "\n" not in line and not any("{" in part for part in parts):
        return line
    pad = " " * (indent + 2)
    body = ",\n".join(pad + part for part in parts)
    return f"{opening}\n{body}\n{' ' * indent}{closing}"


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """A string literal, in the first quotes that need no escaping."""
    quote = next((q for q in "'\"`" if q not in text), "'")
    escaped = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return quote + (escaped.replace(quote, "\\" + quote)) + quote
