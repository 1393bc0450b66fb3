"""The note of what must still be restarted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import pending


def test_a_note_is_kept_until_it_is_cleared(tmp_path: Path) -> None:
    directory = tmp_path / "pm2sd"
    assert pending.load(directory) == {}
    pending.save({"web@0.service": 5, r"\x40a@0.service": 2**53}, directory)
    assert pending.load(directory) == {"web@0.service": 5, r"\x40a@0.service": 2**53}
    pending.save({"web@1.service": 7}, directory)
    assert pending.load(directory) == {"web@1.service": 7}
    assert [path.name for path in directory.iterdir()] == ["pending.json"]
    pending.clear(directory)
    pending.clear(directory)
    assert pending.load(directory) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": "b"}', '{"a": true}', "\xff"])
def test_a_file_of_somebody_else_is_not_guessed_at(tmp_path: Path, text: str) -> None:
    (tmp_path / "pending.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(Pm2sdError, match="not written by pm2sd") as caught:
        pending.load(tmp_path)
    assert str(tmp_path / "pending.json") in (caught.value.hint or "")


def test_the_clock_is_the_monotonic_one() -> None:
    before = time.monotonic()
    assert before <= pending.now() / 1e6 + 1e-6
    assert pending.now() / 1e6 <= time.monotonic()


def test_no_place_for_the_note(tmp_path: Path) -> None:
    (tmp_path / "pm2sd").touch()
    with pytest.raises(Pm2sdError, match="cannot write"):
        pending.save({"web@0.service": 1}, tmp_path / "pm2sd")
