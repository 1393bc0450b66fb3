"""docs/architecture.md: imports point one way, and the pure rooms stay pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "pm2sd"

PURE = {"errors", "notes"}
# Room -> the rooms that it may import from, besides itself, errors, notes and the version.
MAY = {
    "cli": {"control", "observe", "moving", "plan", "translate", "units", "ecosystem", "systemd"},
    "control": {"observe", "moving", "plan", "translate", "units", "ecosystem", "systemd"}
    | {"node", "probe"},
    "observe": {"plan", "translate", "units", "ecosystem", "systemd"},
    "plan": {"translate", "units", "ecosystem"},
    "translate": {"units", "ecosystem"},
    "moving": {"ecosystem"},
    "units": set[str](),
    "ecosystem": {"watch"},
    "systemd": {"units", "probe"},
    "node": set[str](),
    "probe": set[str](),
    "serve": set[str](),
    "watch": set[str](),
}
UNTOUCHED = {"ecosystem", "translate", "units", "plan", "moving"}
READERS = {"ecosystem/read_node.py"}


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module == "pm2sd"
            yield from (f"pm2sd.{one.name}" for one in node.names) if whole else (node.module,)


def test_every_room_is_in_the_table() -> None:
    assert {path.name for path in HOUSE.iterdir() if (path / "__init__.py").exists()} == set(MAY)


@pytest.mark.parametrize("room", sorted(MAY))
def test_imports_point_one_way(room: str) -> None:
    files = list((HOUSE / room).rglob("*.py"))
    assert files
    allowed = {room, "__version__", *PURE, *MAY[room]}
    if room in ("watch", "probe", "serve"):
        allowed = {room, "__version__"}
    for file in files:
        for module in imported(file):
            first, _, rest = module.partition(".")
            if first == "pm2sd" and rest:
                assert rest.partition(".")[0] in allowed, f"{file.name} imports {module}"


@pytest.mark.parametrize("room", sorted(UNTOUCHED))
def test_the_pure_rooms_start_nothing(room: str) -> None:
    for file in (HOUSE / room).rglob("*.py"):
        if str(file.relative_to(HOUSE)) not in READERS:
            assert not {"subprocess", "socket", "psutil"} & set(imported(file)), file
