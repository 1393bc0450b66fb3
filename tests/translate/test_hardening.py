"""The directives of each level of ``hardening``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.ecosystem.app import App, Hardening
from pm2sd.translate.hardening import LEVELS, directives, writable

DOC = Path(__file__).parents[2] / "docs/hardening.md"


def app(level: Hardening, cwd: str) -> App:
    command = ("/usr/bin/node", f"{cwd}/a.js")
    return App(name="a", script="a.js", command=command, cwd=cwd, hardening=level)


@pytest.mark.parametrize("level", ["off", "basic"])
def test_only_strict_touches_the_file_system(level: Hardening) -> None:
    assert directives(app(level, "/srv/a")) == LEVELS[level]
    assert writable(app(level, "/srv/a")) == ()


def test_strict_leaves_the_app_its_directory() -> None:
    assert directives(app("strict", "/srv/a"))[-1] == "PrivateTmp=yes"
    assert writable(app("strict", "/srv/a")) == ("/srv/a",)
    assert "PrivateTmp=yes" in directives(app("strict", "/tmpfiles/a"))


@pytest.mark.parametrize("cwd", ["/tmp", "/tmp/a", "/var/tmp/a"])
def test_an_app_in_tmp_is_not_hidden_from_itself(cwd: str) -> None:
    assert "PrivateTmp=yes" not in directives(app("strict", cwd))
    assert writable(app("strict", cwd)) == (cwd, "/tmp", "/var/tmp")


def test_each_level_contains_the_one_before() -> None:
    assert set(LEVELS["off"]) < set(LEVELS["basic"]) < set(LEVELS["strict"])


def test_the_document_has_every_directive() -> None:
    text = DOC.read_text()
    names = {line.partition("=")[0] for line in (*LEVELS["strict"], "PrivateTmp=")}
    assert {name for name in names if f"`{name}=" not in text} == set()
