"""Forgetting when persistent timers ran last."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import stamps


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = tmp_path / "systemd/timers"
    path.mkdir(parents=True)
    return path


def test_only_the_named_timers_are_forgotten(folder: Path) -> None:
    for timer in ("web:cron.timer", "api:cron.timer"):
        (folder / f"stamp-{timer}").touch()
    stamps.forget(["web:cron.timer", "never:ran.timer"])
    assert [path.name for path in folder.iterdir()] == ["stamp-api:cron.timer"]


def test_what_cannot_be_forgotten_is_told(folder: Path) -> None:
    (folder / "stamp-web:cron.timer").mkdir()
    with pytest.raises(Pm2sdError, match=r"stamp-web:cron\.timer"):
        stamps.forget(["web:cron.timer"])
