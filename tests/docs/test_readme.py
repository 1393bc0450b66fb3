"""README.md names every command, every option of our own, and every document."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pm2sd.cli.commands import BY_NAME
from pm2sd.ecosystem.options import OPTIONS
from pm2sd.ecosystem.options.model import Section

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
CODE = re.findall(r"```.*?```|`[^`\n]+`", TEXT, re.DOTALL)
NAMED = {word for code in CODE for word in re.findall(r"[\w-]+", code)}


@pytest.mark.parametrize("command", sorted({one.name for one in BY_NAME.values()}))
def test_every_command_is_named(command: str) -> None:
    assert command in NAMED


@pytest.mark.parametrize(
    "option", sorted(one.name for one in OPTIONS if one.section is Section.OURS)
)
def test_every_option_of_our_own_is_named(option: str) -> None:
    assert option in NAMED


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_every_document_is_named(path: Path) -> None:
    assert f"docs/{path.name}" in TEXT
