from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.systemd import restarts


def test_counts_are_added_up_until_they_are_forgotten(tmp_path: Path) -> None:
    where = tmp_path / "runtime"
    assert restarts.load(where) == {}
    restarts.add({"a@0.service": 2, "a@1.service": 0}, where)
    restarts.add({"a@0.service": 1, "b@0.service": 5}, where)
    assert restarts.load(where) == {"a@0.service": 3, "b@0.service": 5}
    restarts.forget(lambda unit: unit.startswith("a@"), where)
    assert restarts.load(where) == {"b@0.service": 5}


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"a@0.service": "x", "b": true}'])
def test_what_is_no_such_file_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "restarts.json").write_text(text)
    assert restarts.load(tmp_path) == {}
    restarts.add({"a@0.service": 1}, tmp_path)
    assert restarts.load(tmp_path) == {"a@0.service": 1}


def test_the_restart_that_the_start_limit_refused_is_none() -> None:
    assert restarts.automatic("failed", 3) == 2
    assert restarts.automatic("failed", 0) == 0
    assert restarts.automatic("active", 3) == 3
