"""docs/differences.md: every test it names exists, every complaint has a row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pm2sd.cli.elsewhere import ELSEWHERE
from pm2sd.errors import ExitStatus

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/differences.md").read_text()
COMPLAINTS = range(1, 32)

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMED = sorted(set(re.findall(r"\b((?:tests|integration)/[\w/]+\.py)::(\w+)", TEXT)))


def test_every_complaint_has_a_row_with_an_answer_and_a_test() -> None:
    rows = [row for row in ROWS if len(row) == 4]
    assert [int(row[0]) for row in rows] == list(COMPLAINTS)
    for number, complaint, answer, shown in rows:
        assert "" not in (complaint, answer), number
        assert "::test_" in shown, number


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    assert name in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def test_every_exit_status_is_listed() -> None:
    listed = [int(row[0]) for row in ROWS if len(row) == 2]
    assert listed == [status.value for status in ExitStatus]


def test_the_commands_that_are_elsewhere_are_listed_as_they_answer() -> None:
    for name, text in ELSEWHERE.items():
        assert f"| `{name}` | {text} |" in TEXT


def test_the_licence_is_mit() -> None:
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")
    assert 'license = { text = "MIT" }' in (ROOT / "pyproject.toml").read_text()
