"""Environment files: what Node's dotenv makes of a text, and the lines it skips.

``dotenv_cases.json`` holds texts with what dotenv 16.6.1 (npm) makes of each.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pm2sd.ecosystem.dotenv import Skipped, Variable, parse

CASES = json.loads(Path(__file__).with_name("dotenv_cases.json").read_text())


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_variables_are_those_of_dotenv(text: str, expected: dict[str, str]) -> None:
    found = [item for item in parse(text) if isinstance(item, Variable)]
    assert {item.name: item.value for item in found} == expected


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("A", Skipped("A", 1, 1)),
        ("A=1\n  export B\nC=2", Skipped("export B", 2, 3)),
        ("A=1\r\n=x\r\n", Skipped("=x", 2, 1)),
        ("A='two\nlines'\n\nset B", Skipped("set B", 4, 1)),
        ("A:1", Skipped("A:1", 1, 1)),
        ("[section]", Skipped("[section]", 1, 1)),
    ],
)
def test_a_line_that_assigns_nothing_is_told(text: str, skipped: Skipped) -> None:
    assert [item for item in parse(text) if isinstance(item, Skipped)] == [skipped]


def test_every_variable_knows_its_place() -> None:
    found = list(parse("# c\nA='1\n2'\n\t export B=3 # d\n"))
    assert found == [Variable("A", "1\n2", 2, 1), Variable("B", "3", 4, 3)]


@given(st.text(alphabet="AB=\"'`# \n\r\\nx:é"))
def test_it_ends_whatever_the_text_is(text: str) -> None:
    assert all(item.line <= text.count("\n") + text.count("\r") + 1 for item in parse(text))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r'")))
def test_single_quotes_keep_everything(value: str) -> None:
    (found,) = parse(f"A='{value}'")
    assert found == Variable("A", value, 1, 1)
