from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.observe.package import version


@pytest.fixture
def script(tmp_path: Path) -> Path:
    script = tmp_path / "dist" / "server" / "main.js"
    script.parent.mkdir(parents=True)
    return script


def test_the_nearest_package_counts(tmp_path: Path, script: Path) -> None:
    (tmp_path / "package.json").write_text('{"version": "1.0.0"}')
    assert version(str(script)) == "1.0.0"
    (script.parent / "package.json").write_text('{"version": "2.0.0"}')
    assert version(str(script)) == "2.0.0"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"version": 3}', '{"version": ""}'])
def test_a_package_without_a_version_has_none(tmp_path: Path, script: Path, text: str) -> None:
    (tmp_path / "package.json").write_text('{"version": "1.0.0"}')
    (script.parent / "package.json").write_text(text)
    assert version(str(script)) == "N/A"


def test_no_package_no_version() -> None:
    assert version("/bin/sleep") == "N/A"
    assert version("sleep") == "N/A"
