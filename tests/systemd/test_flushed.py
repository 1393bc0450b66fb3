"""The moment before which an app's journal is hidden."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pm2sd.systemd import flushed


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "pm2sd" / "flushed"


def test_what_was_said_before_is_hidden() -> None:
    assert flushed.load("web") == 0
    moment = flushed.save("web")
    assert flushed.load("web") == moment <= time.time_ns() // 1000
    assert flushed.load("api") == 0


def test_nothing_is_hidden_once_the_clock_was_set_back(folder: Path) -> None:
    """Else all an app says would be hidden until the clock is there again."""
    flushed.save("web")
    an_hour = 3_600_000_000
    (folder / "web").write_text(f"{time.time_ns() // 1000 + an_hour}\n")
    assert flushed.load("web") == 0


def test_a_spoilt_note_hides_nothing(folder: Path) -> None:
    flushed.save("web")
    (folder / "web").write_text("yesterday\n")
    assert flushed.load("web") == 0
