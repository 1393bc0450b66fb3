"""Control groups: names, and files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pm2sd.systemd import cgroup
from pm2sd.systemd.bus import UNSET
from pm2sd.systemd.cgroup import (
    Limits,
    Usage,
    controllers,
    cpu_time,
    limits,
    oom_kills,
    resident,
    unit_path,
    usage,
    write_limits,
)

MANAGER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("slices", "unit", "path"),
    [
        ("app.slice", "web@0.service", "app.slice/web@0.service"),
        (
            "app-pm2sd-web.slice",
            "web@0.service",
            "app.slice/app-pm2sd.slice/app-pm2sd-web.slice/web@0.service",
        ),
        ("app.slice", "_x@0.service", "app.slice/__x@0.service"),
        ("app.slice", "memory.hog@0.service", "app.slice/_memory.hog@0.service"),
        ("app.slice", "memory@0.service", "app.slice/memory@0.service"),
        ("app.slice", "cgroup.x@0.service", "app.slice/_cgroup.x@0.service"),
        ("app.slice", r"\x40a@0.service", r"app.slice/\x40a@0.service"),
    ],
)
def test_where_a_unit_is(slices: str, unit: str, path: str) -> None:
    assert unit_path(MANAGER, slices, unit) == f"{MANAGER}/{path}"


def test_of_the_root_manager() -> None:
    assert unit_path("/", "system.slice", "a.service") == "/system.slice/a.service"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in place of the mounted hierarchy, with files as kernels 6.x write them."""
    monkeypatch.setattr(cgroup, "root", lambda: str(tmp_path))
    unit = tmp_path / "web@0.service"
    unit.mkdir()
    (unit / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (unit / "cpu.stat").write_text("usage_usec 1234\nuser_usec 1000\nsystem_usec 234\n")
    return unit


def test_usage_with_the_memory_controller(tree: Path) -> None:
    (tree / "memory.current").write_text("104857600\n")
    assert usage("/web@0.service") == Usage(104857600, 1234, (os.getpid(),))
    assert cpu_time("/web@0.service") == 1234


def test_usage_without_it_is_the_resident_set(tree: Path) -> None:
    found = usage("/web@0.service")
    status = Path("/proc/self/status").read_text()
    kilobytes = int(status.partition("VmRSS:")[2].split()[0])
    assert found.memory == pytest.approx(kilobytes * 1024, rel=0.2)


def test_nested_groups_count(tree: Path) -> None:
    inner = tree / "inner" / "most"
    inner.mkdir(parents=True)
    (tree / "inner" / "cgroup.procs").write_text("")
    (inner / "cgroup.procs").write_text("4\n5\n")
    if tree.stat().st_nlink <= 2:
        pytest.skip("this file system does not count directories")
    assert usage("/web@0.service").pids == (os.getpid(), 4, 5)


def test_many_processes_are_read_whole(tree: Path) -> None:
    pids = tuple(range(100000, 105000))
    (tree / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
    assert usage("/web@0.service").pids == pids


def test_a_group_that_is_gone(tree: Path) -> None:
    assert usage("/gone.service") == Usage(None, None, ())
    assert cpu_time("/gone.service") is None
    assert oom_kills("/gone.service") is None
    assert limits("/gone.service") == Limits(None, None, None, None, None)


def test_limits_and_kills(tree: Path) -> None:
    for name, text in {
        "memory.max": "1073741824",
        "memory.high": "max",
        "memory.swap.max": "0",
        "pids.max": "200",
        "cpu.max": "50000 100000",
        "memory.events": "low 0\nhigh 7\nmax 3\noom 1\noom_kill 2\noom_group_kill 0",
    }.items():
        (tree / name).write_text(text + "\n")
    assert limits("/web@0.service") == Limits(1 << 30, None, 0, 200, 500_000)
    assert oom_kills("/web@0.service") == 2
    (tree / "cpu.max").write_text("max 100000\n")
    assert limits("/web@0.service").cpu_usec_per_sec is None


def test_limits_are_written_as_the_kernel_reads_them(tree: Path) -> None:
    files = ("memory.max", "memory.swap.max", "pids.max", "cpu.max", "io.weight")
    for name in files:
        (tree / name).touch()
    set_to = {
        "MemoryMax": 1 << 20,
        "MemoryHigh": 1 << 19,  # there is no file for it here
        "MemorySwapMax": 0,
        "TasksMax": 40,
        "CPUQuotaPerSecUSec": 1_500_000,
        "IOWeight": 50,
    }
    write_limits("/web@0.service", set_to)
    written = {name: (tree / name).read_text() for name in files}
    assert list(written.values()) == ["1048576", "0", "40", "150000 100000", "default 50"]
    assert not (tree / "memory.high").exists()
    for name in files:
        (tree / name).write_text("")
    write_limits("/web@0.service", dict.fromkeys(set_to, UNSET))
    assert {(tree / name).read_text() for name in files} == {"max", "default 100"}
    write_limits("/gone.service", set_to)


def test_the_controllers_there_are(tree: Path) -> None:
    (tree / "cgroup.controllers").write_text("cpu memory pids\n")
    assert controllers("/web@0.service") == {"cpu", "memory", "pids"}
    assert controllers("/gone.service") == frozenset()


def test_processes_that_ended_use_nothing() -> None:
    assert resident([2**22 + 1]) == 0
    assert resident([]) == 0
