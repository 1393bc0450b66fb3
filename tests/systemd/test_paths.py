"""Directories by the XDG rules."""

from __future__ import annotations

import os
from pathlib import Path

from pm2sd.systemd.paths import (
    overrides_directory,
    owner,
    runtime_directory,
    state_directory,
    unit_directory,
    unit_directory_text,
    user_runtime_directory,
)

HOME = {"HOME": "/home/ann"}


def test_defaults_are_in_the_home_directory() -> None:
    assert unit_directory(HOME) == Path("/home/ann/.config/systemd/user")
    assert overrides_directory(HOME) == Path("/home/ann/.config/pm2sd/unit_templates")
    assert state_directory(HOME) == Path("/home/ann/.local/state/pm2sd")


def test_slashes_at_the_end_are_no_part_of_a_directory() -> None:
    assert unit_directory_text({"XDG_CONFIG_HOME": "/c//"}) == "/c/systemd/user"
    assert unit_directory_text({"XDG_CONFIG_HOME": "/"}) == "/systemd/user"
    assert unit_directory_text({"HOME": "/"}) == "/.config/systemd/user"


def test_xdg_variables_move_them() -> None:
    environ = HOME | {"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}
    assert unit_directory(environ) == Path("/c/systemd/user")
    assert overrides_directory(environ) == Path("/c/pm2sd/unit_templates")
    assert state_directory(environ) == Path("/s/pm2sd")


def test_empty_and_relative_variables_do_not_count() -> None:
    for value in ("", "relative"):
        environ = HOME | {"XDG_CONFIG_HOME": value}
        assert unit_directory(environ) == Path("/home/ann/.config/systemd/user")


def test_without_home_the_user_database_is_asked() -> None:
    assert unit_directory({}).is_absolute()


def test_the_runtime_directory_must_be_ours(tmp_path: Path) -> None:
    default = Path(f"/run/user/{os.getuid()}")
    assert user_runtime_directory({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path
    assert runtime_directory({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / "pm2sd"
    assert user_runtime_directory({}) == default
    assert user_runtime_directory({"XDG_RUNTIME_DIR": "/nonexistent"}) == default


def test_owner_of_nothing(tmp_path: Path) -> None:
    assert owner(tmp_path) == os.getuid()
    assert owner(tmp_path / "missing") is None
