"""Emptying log files, and the links that may stand in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.control.flush import flush
from pm2sd.ecosystem.app import App
from pm2sd.errors import Pm2sdError
from pm2sd.systemd import scope


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file to which a link leads that is called as the app's log."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine\n")
    (tmp_path / "out.log").symlink_to(elsewhere)
    return elsewhere


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out = str(tmp_path / "out.log")
    return App(name="a", script="/a", command=("/a",), cwd="/", out_file=out, error_file=out)


def test_a_users_own_links_are_followed(app: App, elsewhere: Path) -> None:
    (done,) = flush([app])
    assert done.files == (app.out_file,)
    assert elsewhere.read_text() == ""


def test_root_empties_nothing_that_somebody_links_to(
    app: App, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "system", True)
    with pytest.raises(Pm2sdError, match="cannot empty"):
        flush([app])
    assert elsewhere.read_text() == "mine\n"
