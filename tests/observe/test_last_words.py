"""Which lines stand for a failure."""

from __future__ import annotations

import pytest

from pm2sd.observe.last_words import _last

STACK = [f"    at f{number} (a.js:{number}:1)" for number in range(20)]


@pytest.mark.parametrize(
    "line",
    [
        "Error: listen EADDRINUSE: address already in use :::3000",
        "TypeError [ERR_X]: no",
        "Uncaught Error: x",
        "my.module.SomeException: x",
    ],
)
def test_the_line_that_says_what_went_wrong_is_among_them(line: str) -> None:
    assert _last(["before", line, *STACK], 5) == [line, "...", *STACK[-3:]]
    assert _last([line, *STACK[:2]], 5) == [line, *STACK[:2]]


def test_otherwise_they_are_the_last_ones() -> None:
    lines = ["    throw new Error('x')", "no Errors:", *STACK]
    assert _last(lines, 5) == STACK[-5:]
    assert _last(["Error: first", *STACK, "Error: last", "x"], 3) == [STACK[-1], "Error: last", "x"]
