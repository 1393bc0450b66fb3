"""What a YAML scalar means: the core schema of YAML 1.2, as js-yaml 4 (PM2's reader) has it.

Two differences are meant. Integers keep all their digits, where JavaScript rounds them beyond
2^53. A timestamp is the text that was written, where js-yaml makes a Date of it: no option of PM2
takes one, and an environment variable wants the text.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Final

from pm2sd.ecosystem.js_scalars import simplest
from pm2sd.ecosystem.nodes import Scalar

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0b(?P<b>[01]+)|0o(?P<o>[0-7]+)|0x(?P<x>[0-9a-fA-F]+)|(?P<d>[0-9]+))"
)
_BASES = {"b": 2, "o": 8, "x": 16, "d": 10}
_FLOAT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")


class NotOne(ValueError):
    """The text is no value of the type that was asked for."""


def plain_scalar(text: str) -> Scalar:
    """The value of a scalar without quotes and without a tag."""
    for read in (_null, _boolean, _integer, _float):
        try:
            return read(text)
        except NotOne:
            continue
    return text


def _null(text: str) -> None:
    if text not in _NULLS:
        raise NotOne


def _boolean(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise NotOne


def _integer(text: str) -> int:
    match = _INTEGER.fullmatch(text)
    # 310 digits of any base cannot all be a double's; js-yaml takes what is none for a string.
    if match is None or len(text) > 1100:
        raise NotOne
    base = match.lastgroup or "d"
    value = int(match[base], _BASES[base])
    if value > sys.float_info.max:
        raise NotOne
    return -value if match["sign"] == "-" else value


def _float(text: str) -> int | float:
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    if _NAN.fullmatch(text):
        return math.nan
    if not _FLOAT.fullmatch(text) or math.isinf(value := float(text)):
        raise NotOne
    return simplest(value)


def _string(text: str) -> str:
    return text


_PREFIX: Final = "tag:yaml.org,2002:"
TAGGED: Final[dict[str, Callable[[str], Scalar]]] = {
    f"{_PREFIX}str": _string,
    f"{_PREFIX}null": _null,
    f"{_PREFIX}bool": _boolean,
    f"{_PREFIX}int": _integer,
    f"{_PREFIX}float": _float,
    f"{_PREFIX}timestamp": _string,
}
"""What an explicit tag makes of a scalar's text; each raises NotOne."""

SEQUENCE: Final = f"{_PREFIX}seq"
MERGE: Final = f"{_PREFIX}merge"
MAPPING: Final = f"{_PREFIX}map"


def tag_name(tag: str) -> str:
    """A tag as people write it: ``!!int``, ``!ours``."""
    return f"!!{tag.removeprefix(_PREFIX)}" if tag.startswith(_PREFIX) else tag
