"""Which known word a mistyped one stands for."""

from __future__ import annotations

from collections.abc import Iterable

# One slip in four letters, three at most, is a typing mistake; more is another word.
_LETTERS_PER_SLIP = 4
_MOST_SLIPS = 3


def nearest_of(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` is a slip of; case, ``_`` and ``-`` do not count as slips.

    The threshold is strict on purpose: a wrong guess turns a key that PM2 ignores into an error.
    """
    plain = _plain(word)
    best, fewest = None, _MOST_SLIPS + 1
    for candidate in known:
        other = _plain(candidate)
        allowed = min(_MOST_SLIPS, max(len(plain), len(other)) // _LETTERS_PER_SLIP)
        if abs(len(plain) - len(other)) > allowed:
            continue
        slips = _slips(plain, other)
        if slips <= allowed and slips < fewest:
            best, fewest = candidate, slips
    return best


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _slips(left: str, right: str) -> int:
    """How many letters to add, drop, change or swap (optimal string alignment)."""
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != other))
            swapped = column > 1 and row > 1 and letter == right[column - 2]
            if swapped and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
    return above[-1]
