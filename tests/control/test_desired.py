"""From apps to unit files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.control.desired import Wanted, rendered
from pm2sd.ecosystem.app import App
from pm2sd.errors import CannotCarry


def test_what_no_unit_can_carry_is_refused_with_its_app() -> None:
    apps = [
        App(name=name, script="/a", command=("/a", text), cwd="/")
        for name, text in [("fits", "x"), ("too long", "x" * 200_000)]
    ]
    with pytest.raises(CannotCarry, match=r"^app 'too long': .* 200000 bytes"):
        rendered(Path("/u"), [Wanted(app) for app in apps], 252)
