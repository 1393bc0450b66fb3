from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import restarts


def test_counts_are_added_up_until_they_are_forgotten(tmp_path: Path) -> None:
    where = tmp_path / "runtime"
    assert restarts.load(where) == {}
    restarts.add({"a@0.service": 2, "a@1.service": 0}, where)
    restarts.add({"a@0.service": 1, r"\x40b@0.service": 5}, where)
    assert restarts.load(where) == {"a@0.service": 3, r"\x40b@0.service": 5}
    restarts.forget(lambda unit: unit.startswith("a@"), where)
    assert restarts.load(where) == {r"\x40b@0.service": 5}


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "restarts").touch()
    assert restarts.load(tmp_path) == {}
    with pytest.raises(Pm2sdError, match="cannot write"):
        restarts.add({"a@0.service": 1}, tmp_path)


def test_the_restart_that_the_start_limit_refused_is_none() -> None:
    assert restarts.automatic("failed", 3) == 2
    assert restarts.automatic("failed", 0) == 0
    assert restarts.automatic("active", 3) == 3
