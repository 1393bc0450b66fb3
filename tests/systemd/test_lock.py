"""The apply lock, between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pm2sd.errors import Pm2sdError
from pm2sd.systemd.lock import apply_lock

WITHIN = 60.0
ROOT = Path(__file__).parents[2]

HOLDER = """
import sys
from pathlib import Path
from pm2sd.systemd.lock import apply_lock
try:
    with apply_lock(lambda pid: print("waits for", pid, flush=True), Path(sys.argv[1])):
        print("holds", flush=True)
        sys.stdin.readline()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class Holder:
    """Another process that takes the lock and keeps it until told to let go."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def finish(self) -> None:
        self.process.communicate("\n", timeout=WITHIN)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    made = Holder(tmp_path)
    assert made.says() == "holds"
    yield made
    if made.process.poll() is None:
        made.finish()


def test_the_holder_is_named_in_the_file(tmp_path: Path) -> None:
    with apply_lock(directory=tmp_path / "new" / "pm2sd"):
        assert (tmp_path / "new" / "pm2sd" / "lock").read_text() == f"{os.getpid()}\n"


def test_a_second_process_waits_and_is_told_once_for_whom(holder: Holder, tmp_path: Path) -> None:
    second = Holder(tmp_path)
    assert second.says() == f"waits for {holder.process.pid}"
    holder.finish()
    assert second.says() == "holds"
    second.finish()


def test_a_lock_that_is_free_is_not_waited_for(tmp_path: Path) -> None:
    waited: list[int | None] = []
    for _ in range(2):
        with apply_lock(waited.append, tmp_path):
            pass
    assert waited == []


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), apply_lock(directory=tmp_path):
        raise RuntimeError
    with apply_lock(lambda pid: pytest.fail(f"still held by {pid}"), tmp_path):
        pass


def test_a_killed_holder_lets_go(holder: Holder, tmp_path: Path) -> None:
    second = Holder(tmp_path)
    assert second.says() == f"waits for {holder.process.pid}"
    holder.process.kill()
    assert second.says() == "holds"
    second.finish()


def test_ctrl_c_while_waiting(holder: Holder, tmp_path: Path) -> None:
    second = Holder(tmp_path)
    assert second.says() == f"waits for {holder.process.pid}"
    began = time.monotonic()
    second.process.send_signal(signal.SIGINT)
    assert second.says() == "interrupted"
    assert time.monotonic() - began < WITHIN
    second.process.wait(WITHIN)
    assert (tmp_path / "lock").read_text() == f"{holder.process.pid}\n"


def test_children_do_not_keep_the_lock(tmp_path: Path) -> None:
    with apply_lock(directory=tmp_path):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with apply_lock(lambda pid: pytest.fail(f"still held by {pid}"), tmp_path):
            pass
    finally:
        child.kill()
        child.wait()


def test_no_place_for_the_lock(tmp_path: Path) -> None:
    (tmp_path / "pm2sd").touch()
    with pytest.raises(Pm2sdError, match="cannot lock"), apply_lock(directory=tmp_path / "pm2sd"):
        pass
