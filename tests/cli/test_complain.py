"""How mistakes in a file are shown."""

from __future__ import annotations

import pytest

from pm2sd.cli.output import complain
from pm2sd.errors import Location, Problem


def shown(capsys: pytest.CaptureFixture[str], line: str, column: int) -> list[str]:
    complain([Problem("it is wrong", Location("a.json", 3, column), None, line)])
    return capsys.readouterr().err.splitlines()


def test_the_caret_stands_under_the_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "\tname: [1]", 8) == [
        "a.json:3:8: error: it is wrong",
        "  3 | \tname: [1]",
        "    | \t      ^",
    ]


@pytest.mark.parametrize("before", [0, 30, 5000])
@pytest.mark.parametrize("after", [0, 30, 5000])
def test_of_a_long_line_only_what_is_around_the_mistake_is_shown(
    capsys: pytest.CaptureFixture[str], before: int, after: int
) -> None:
    line = "x" * 100 + "y" * before + "!" + "z" * after + "x" * 100
    _, excerpt, caret = shown(capsys, line, 101 + before)
    assert excerpt[caret.index("^")] == "!"
    assert len(excerpt) <= len("  3 | ") + 126
    assert excerpt.endswith(("x", "..."))
