"""The machine as resolving an app sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pm2sd.ecosystem.machine import Machine
from pm2sd.systemd.machine import ThisMachine

WAYS = ("u", "un", "g", "gn")


@pytest.fixture
def machine() -> Machine:
    return ThisMachine()


def test_the_directives_that_systemd_knows(machine: Machine) -> None:
    assert {"ExecStart", "LimitNOFILE", "Nice"} <= machine.directives("Service")
    assert "After" in machine.directives("Unit")
    assert "ExecStart" not in machine.directives("Unit")
    assert machine.directives("Nothing") == frozenset()


def test_programs_that_gain_privileges(machine: Machine, tmp_path: Path) -> None:
    program = tmp_path / "tool"
    assert not machine.gains_privileges(str(program))
    program.write_text("")
    for mode, gains in ((0o755, False), (0o4755, True), (0o2755, True)):
        program.chmod(mode)
        assert machine.gains_privileges(str(program)) is gains


def test_who_and_where(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert machine.cwd == str(Path.cwd())
    ids = [subprocess.run(["id", f"-{way}"], capture_output=True, text=True) for way in WAYS]
    who = (str(machine.uid), machine.user, str(machine.gid), machine.group)
    assert who == tuple(one.stdout.strip() for one in ids)
    assert machine.environ["PATH"] == os.environ["PATH"]
    assert machine.cpu_count() == len(os.sched_getaffinity(0))
    assert ThisMachine({"HOME": "/h"}).home == "/h"
    assert ThisMachine({}).home.startswith("/")
    monkeypatch.chdir(tmp_path)
    assert ThisMachine().cwd == str(tmp_path)


def test_cpu_count_heeds_affinity() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from pm2sd.systemd.machine import ThisMachine; print(ThisMachine().cpu_count())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, cwd=root
    )
    assert done.stdout == "1\n"


def test_a_removed_working_directory_is_told(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from pm2sd.errors import Pm2sdError\n"
        "from pm2sd.systemd.machine import ThisMachine\n"
        "try: ThisMachine()\n"
        "except Pm2sdError as error: print(error.message)\n"
    )
    gone = tmp_path / "gone"
    gone.mkdir()
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(gone)],
        capture_output=True,
        check=True,
        text=True,
        env=environ,
    )
    assert done.stdout == "the current directory was removed\n"


def test_which_is_absolute(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "tool"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    assert machine.which("tool", str(program.parent)) is None
    program.chmod(0o755)
    assert machine.which("tool", str(program.parent)) == str(program)
    monkeypatch.chdir(tmp_path)
    assert ThisMachine().which("tool", "bin") == str(program)
    assert ThisMachine({"PATH": str(program.parent)}).which("tool") == str(program)
    assert ThisMachine({"PATH": "/nonexistent"}).which("sh") is None
    assert machine.which("no-such-program") is None


def test_files_and_directories(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "app.js"
    file.write_bytes(b"#!/usr/bin/env node\n")
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe")
    names = ("app.js", "link", "pipe", "missing", ".")
    paths = [str(tmp_path / name) for name in names]
    assert [machine.is_file(path) for path in paths] == [True, True, False, False, False]
    assert [machine.is_directory(path) for path in paths] == [False] * 4 + [True]
    assert [machine.head(path, 4) for path in paths] == [b"#!/u", b"#!/u", b"", b"", b""]
    assert machine.list_directory(str(tmp_path)) == ("app.js", "link", "pipe")
    assert machine.list_directory(paths[0]) == ()
    assert not machine.is_executable(paths[0])
    file.chmod(0o700)
    assert machine.is_executable(paths[0])
    assert not machine.is_executable(str(tmp_path))


def test_a_path_with_nul_is_no_path(machine: Machine) -> None:
    assert not machine.is_file("a\0b")
    assert not machine.is_directory("a\0b")
    assert machine.head("a\0b", 1) == b""
    assert machine.list_directory("a\0b") == ()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon..Fri 09:30", True),
        ("daily", True),
        ("sometimes", False),
        ("--help", False),
    ],
)
def test_calendar_events_are_known(machine: Machine, text: str, expected: bool) -> None:
    assert machine.is_calendar_event(text) is expected
