"""What ``pm2 prettylist`` prints: the list as Node's ``util.inspect`` shows it.

That is an object literal of JavaScript but for strings of several lines, which it shows as a sum of
strings, and for what it leaves out of long values, where it says how much.
"""

from __future__ import annotations

import json

from pm2sd.ecosystem.js_literal import Array, Literal, Object, Parser, Unknown, Variable
from pm2sd.ecosystem.js_scalars import unquote
from pm2sd.ecosystem.js_tokens import BadSyntax, Kind, Token, tokens
from pm2sd.ecosystem.nodes import Plain

_TEXTS = (Kind.STRING, Kind.TEMPLATE)


def parse(text: str) -> Plain:
    """The value; what has no meaning outside of its process (functions, undefined) is null.

    Raises BadSyntax.
    """
    words = _joined(tokens(text))
    _refuse_gaps(words)
    literal, index = Parser(words, strict=True).value(0, "a list")
    rest = words[index]
    if rest.kind is not Kind.END:
        raise BadSyntax(rest.start, f"expected the end of the list, found {rest}")
    return _plain(literal)


def _joined(words: list[Token]) -> list[Token]:
    """The tokens with every sum of strings as one string, and without templates.

    Node puts a text that has both other quotes between backticks, a key as well.
    """
    joined: list[Token] = []
    for word in words:
        if word.kind not in _TEXTS:
            joined.append(word)
            continue
        start, text = word.start, unquote(word.text, word.start)
        if len(joined) >= 2 and joined[-1].text == "+" and joined[-2].kind is Kind.STRING:
            first = joined[-2]
            start, text = first.start, unquote(first.text, first.start) + text
            del joined[-2:]
        joined.append(Token(Kind.STRING, json.dumps(text), start, word.end))
    return joined


def _refuse_gaps(words: list[Token]) -> None:
    """Raises BadSyntax at the first ``... 3 more items``."""
    for dots, number, more in zip(words, words[1:], words[2:], strict=False):
        if dots.text == "..." and number.kind is Kind.NUMBER and more.text == "more":
            raise BadSyntax(
                dots.start,
                "prettylist leaves out the rest of this value",
                "use the output of pm2 jlist",
            )


def _plain(literal: Literal) -> Plain:
    match literal.value:
        case Object(entries):
            return {
                entry.key: _plain(entry.value)
                for entry in entries
                if entry.key is not None and entry.value.value is not Unknown.UNDEFINED
            }
        case Array(items):
            return [_plain(item) for item in items if item is not None]
        case Unknown() | Variable():
            return None
        case scalar:
            return scalar
