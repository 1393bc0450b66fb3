"""The copy of the checks beside the units."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pm2sd.control import preload, probe
from pm2sd.control.probe import install
from pm2sd.ecosystem.app import App
from pm2sd.translate.checks import PROBE_DIRECTORY


def test_the_copy_can_be_run_by_the_users_of_apps_whatever_the_umask(tmp_path: Path) -> None:
    hook = {"url": "https://example.org/"}
    app = App(name="a", script="/a", command=("/a",), cwd="/", webhook=hook)
    before = os.umask(0o077)
    try:
        install(tmp_path, [app])
        place = tmp_path / PROBE_DIRECTORY
        (place / "__main__.py").chmod(0o600)  # as earlier versions left it
        install(tmp_path, [app])
    finally:
        os.umask(before)
    found = [place, *place.rglob("*")]
    assert len(found) > 10
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_when_there_is_no_app_any_more_nothing_of_the_copies_is_left(tmp_path: Path) -> None:
    command = ("/usr/bin/node", "/a.js")
    health = {"interval": 1000, "timeout": 100, "failures": 1, "grace": 0}
    app = App(
        name="a", script="/a.js", command=command, interpreter=command[0], cwd="/", health=health
    )
    preload.install(tmp_path, [app])
    install(tmp_path, [app])
    kept = ["pm2sd-preload.cjs", "pm2sd-probe"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
    preload.remove(tmp_path)
    probe.remove(tmp_path)
    preload.remove(tmp_path)  # once more does no harm
    assert list(tmp_path.iterdir()) == []
