"""What JavaScript makes of values that PM2 passes on: numbers as text, JSON, split arguments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal

from pm2sd.ecosystem.nodes import Node

# JavaScript writes numbers of this many digits before the point out in full (ECMA-262,
# Number::toString); smaller than 1e-6 it also turns to the exponent.
_MOST_DIGITS = 21
_LEAST_EXPONENT = -6

# JavaScript's idea of a blank, in regular expressions and in trim(); Python's is another one.
_BLANK = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

# One argument: NAME="a b" with its quotes, a quoted string, or a run without blanks. PM2 splits
# by the same rule (lib/tools/Config.js, _valid); its quotes know no escapes.
_NAME = f"[^{_BLANK}\"'=]+="
_ARGUMENT = re.compile(
    f"""{_NAME}"[^"]*"|{_NAME}'[^']*'|"[^"]*"|'[^']*'|[^{_BLANK}]+""",
)
_ONLY_BLANKS = re.compile(f"[{_BLANK}]*")

_INDEX = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)


def number_text(number: float) -> str:
    """A number as JavaScript's ``String()`` writes it: ``3000``, ``1.5``, ``1e+21``, ``1e-7``.

    An int keeps all its digits, also where JavaScript would have rounded it.
    """
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, point = "".join(map(str, digits)), len(digits) + exponent
    return ("-" if sign else "") + _positional(text, point)


def _positional(digits: str, point: int) -> str:
    """The digits with the decimal point after ``point`` of them, or with an exponent."""
    if len(digits) <= point <= _MOST_DIGITS:
        return digits.ljust(point, "0")
    if 0 < point <= _MOST_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if _LEAST_EXPONENT < point <= 0:
        return f"0.{digits.rjust(len(digits) - point, '0')}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"


def scalar_text(value: float | str) -> str:
    """A boolean, number or string as JavaScript's ``String()`` writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return number_text(value)


def json_text(node: Node) -> str:
    """What ``JSON.stringify`` makes of a value: no blanks, integer keys first."""
    match node.value:
        case None:
            return "null"
        case str() as text:
            return json.dumps(text, ensure_ascii=False)
        case bool() | int() | float() as scalar:
            return scalar_text(scalar) if math.isfinite(scalar) else "null"
        case tuple() as items:
            return f"[{','.join(map(json_text, items))}]"
        case Mapping() as entries:
            pairs = (
                f"{json.dumps(key, ensure_ascii=False)}:{json_text(entries[key])}"
                for key in sorted(entries, key=_key_order)
            )
            return f"{{{','.join(pairs)}}}"


def _key_order(key: str) -> tuple[bool, int]:
    """Array indices come first and in their order in every object of JavaScript's."""
    is_index = _INDEX.fullmatch(key) is not None and int(key) < 2**32 - 1
    return (False, int(key)) if is_index else (True, 0)


def split_arguments(text: str) -> tuple[str, ...]:
    """A string of arguments as PM2 splits it.

    Blanks separate; quotes hold together and are dropped, except in ``NAME="a b"``, where they
    stay. Quotes with nothing in them are no argument.
    """
    words = (_unquoted(match[0]) for match in _ARGUMENT.finditer(text))
    return tuple(word for word in words if not _ONLY_BLANKS.fullmatch(word))


def _unquoted(word: str) -> str:
    quoted = word[0] == word[-1] and word[0] in "\"'"
    return word[1:-1] if quoted else word
