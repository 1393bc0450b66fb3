"""The moment before which an app's journal is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.systemd import flushed
from pm2sd.systemd.clock import Clocks


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "pm2sd" / "flushed"


def test_what_was_said_before_is_hidden() -> None:
    assert flushed.load("web") is None
    before = Clocks.read().now
    moment = flushed.save("web")
    assert flushed.load("web") == moment
    assert before <= moment <= Clocks.read().now
    assert flushed.load("api") is None


@pytest.mark.parametrize("spoilt", ["yesterday", "1800000000000000", "1 2", "", "\xff"])
def test_a_spoilt_note_hides_nothing(folder: Path, spoilt: str) -> None:
    flushed.save("web")
    (folder / "web").write_text(spoilt)
    assert flushed.load("web") is None
