from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pm2sd.observe.tail import Tail, backwards


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def all_lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return list(backwards(file.fileno(), path.stat().st_size))


@given(st.binary(max_size=400))
def test_backwards_gives_the_lines_in_reverse(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / "app.log"
    path.write_bytes(content)
    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert all_lines(path) == expected[::-1]


@pytest.mark.parametrize("length", [1, 65_535, 65_536, 65_537, 300_000])
def test_backwards_joins_what_blocks_cut(log: Path, length: int) -> None:
    lines = [b"a" * length, b"", b"b" * length, b"c"]
    log.write_bytes(b"\n".join(lines) + b"\n")
    assert all_lines(log) == lines[::-1]


def test_backwards_reads_only_what_is_asked_for(log: Path) -> None:
    with log.open("wb") as file:
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    with log.open("rb") as file:
        assert next(backwards(file.fileno(), log.stat().st_size)) == b"last"


def test_tail_starts_behind_the_last_complete_line(log: Path) -> None:
    log.write_bytes(b"old\nhalf")
    tail = Tail(str(log))
    assert list(tail.history(partial=False)) == [b"old"]
    assert list(tail.history(partial=True)) == [b"half", b"old"]
    assert tail.read() == []
    with log.open("ab") as file:
        file.write(b" done\nnew\nun")
    assert tail.read() == [b"half done", b"new"]
    tail.close()


def test_tail_survives_truncation(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    tail = Tail(str(log))
    os.truncate(log, 0)
    assert tail.read() == []
    with log.open("ab") as file:
        file.write(b"three\n")
    assert tail.read() == [b"three"]
    tail.close()


def test_tail_reads_a_rotated_file_to_its_end_and_then_the_new_one(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(str(log))
    with log.open("ab") as file:
        file.write(b"two\ncut")
    log.rename(log.with_suffix(".1"))
    assert tail.read() == [b"two"]
    log.write_bytes(b"three\n")
    assert tail.read() == [b"cut", b"three"]
    tail.close()


def test_tail_waits_for_a_file_that_does_not_exist(log: Path) -> None:
    tail = Tail(str(log))
    assert tail.read() == []
    assert tail.changed() is None
    log.write_bytes(b"hello\n")
    assert tail.read() == [b"hello"]
    tail.close()
    tail.close()


def test_tail_leaves_a_fifo_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    tail = Tail(str(tmp_path / "fifo"))
    assert list(tail.history(partial=True)) == []
    assert tail.read() == []
    tail.close()
