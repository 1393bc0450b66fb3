"""``hardening``: levels, and programs that would lose what they need."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.ecosystem.resolving.world import World, about


@pytest.fixture(autouse=True)
def script(world: World) -> None:
    world.program("node")
    world.write("app.js")


@pytest.mark.parametrize(
    ("written", "level"),
    [
        ({}, "basic"),
        ({"hardening": "off"}, "off"),
        ({"hardening": False}, "off"),
        ({"hardening": True}, "basic"),
        ({"hardening": "basic"}, "basic"),
        ({"hardening": "strict"}, "strict"),
    ],
)
def test_levels(world: World, written: dict[str, Any], level: str) -> None:
    resolved = world.resolve(script="app.js", **written)
    assert resolved.app
    assert resolved.app.hardening == level
    assert about(resolved.notes, "hardening") == ""


@pytest.mark.parametrize(
    ("written", "level", "said"),
    [
        ({}, "off", "no effect: it is off here"),
        ({"hardening": "off"}, "off", ""),
        ({"hardening": "strict"}, "strict", "approximate: "),
    ],
)
def test_a_program_with_privileges_keeps_them_unless_told_otherwise(
    world: World, written: dict[str, Any], level: str, said: str
) -> None:
    os.chmod(world.program("node"), 0o4755)
    resolved = world.resolve(script="app.js", **written)
    assert resolved.app
    assert resolved.app.hardening == level
    assert about(resolved.notes, "hardening").startswith(said)
