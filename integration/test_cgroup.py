"""What real units use, from the kernel's files."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.harness import eventually, systemctl
from pm2sd.systemd.bus import Bus, Job
from pm2sd.systemd.cgroup import controllers, has_work, limits, oom_kills, unit_path, usage
from pm2sd.systemd.paths import unit_directory

WITHIN = 60.0


@pytest.fixture
def bus() -> Iterator[Bus]:
    with Bus.open() as opened:
        yield opened


@pytest.fixture
def start(bus: Bus) -> Iterator[Callable[..., list[str]]]:
    """Start instances of a template that runs a shell command; the instances' names."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    path = unit_directory() / f"{prefix}@.service"
    started: list[str] = []

    def run(command: str, count: int = 1) -> list[str]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"[Service]\nType=exec\nSlice=app-pm2sd-{prefix}.slice\n"
            f'ExecStart=:/bin/sh -c "{command}"\n'
        )
        started[:] = [f"{prefix}@{number}.service" for number in range(count)]
        results = bus.run_jobs([Job("start", name) for name in started], WITHIN)
        assert set(results.values()) == {"done"}
        return started

    yield run
    bus.run_jobs([Job("stop", name) for name in started], WITHIN)
    bus.reset_failed(started)
    path.unlink()
    bus.reload()


def where(bus: Bus, unit: str) -> str:
    return unit_path(bus.manager("ControlGroup"), bus.get(unit, "Service", "Slice"), unit)


def test_the_path_is_the_one_systemd_uses(bus: Bus, start: Callable[..., list[str]]) -> None:
    (unit,) = start("exec sleep 300")
    assert where(bus, unit) == bus.get(unit, "Service", "ControlGroup")


def test_usage_of_a_running_unit(bus: Bus, start: Callable[..., list[str]]) -> None:
    (unit,) = start("sleep 300 & exec sleep 300")
    path = where(bus, unit)
    eventually(lambda: len(usage(path).pids) == 2)
    used = usage(path)
    assert bus.get(unit, "Service", "MainPID") in used.pids
    assert used.memory is not None
    assert 0 < used.memory < 64 * 2**20
    assert used.cpu_usec is not None
    assert used.cpu_usec < 5_000_000


def test_cpu_time_grows(bus: Bus, start: Callable[..., list[str]]) -> None:
    (unit,) = start("while :; do :; done")
    path = where(bus, unit)
    before = usage(path).cpu_usec or 0
    eventually(lambda: (usage(path).cpu_usec or 0) > before + 50_000)


@pytest.mark.parametrize(
    ("command", "works"), [("while :; do :; done", True), ("sleep 300 & exec sleep 300", False)]
)
def test_who_computes_has_work_whether_or_not_there_is_a_processor(
    bus: Bus, start: Callable[..., list[str]], command: str, works: bool
) -> None:
    (unit,) = start(command)
    path = where(bus, unit)
    eventually(lambda: has_work(path) is works)
    if works:
        assert all(has_work(path) for _ in range(100))


def test_processes_in_groups_of_their_own_count(bus: Bus, start: Callable[..., list[str]]) -> None:
    (unit,) = start("sleep 300 & exec sleep 300")
    path = where(bus, unit)
    eventually(lambda: len(usage(path).pids) == 2)
    pids = set(usage(path).pids)
    inner = Path(f"/sys/fs/cgroup{path}/inner")
    inner.mkdir()
    for pid in pids:
        (inner / "cgroup.procs").write_text(str(pid))
    assert set(usage(path).pids) == pids


def test_a_stopped_unit_uses_nothing(bus: Bus, start: Callable[..., list[str]]) -> None:
    (unit,) = start("exec sleep 300")
    path = where(bus, unit)
    bus.run_jobs([Job("stop", unit)], WITHIN)
    eventually(lambda: usage(path).pids == ())
    assert usage(path).memory in (None, 0)


def test_limits_in_force(bus: Bus, start: Callable[..., list[str]]) -> None:
    (unit,) = start("exec sleep 300")
    path = where(bus, unit)
    done = systemctl("set-property", "--runtime", unit, "TasksMax=50", f"MemoryMax={2**28}")
    assert done.exit_status == 0, done
    there = controllers(bus.manager("ControlGroup"))
    assert there <= controllers("/")
    assert limits(path).pids_max == (50 if "pids" in there else None)
    assert limits(path).memory_max == (2**28 if "memory" in there else None)
    assert oom_kills(path) == (0 if "memory" in there else None)


def test_a_hundred_units_take_milliseconds(bus: Bus, start: Callable[..., list[str]]) -> None:
    units = start("exec sleep 300", 100)
    manager, slices = bus.manager("ControlGroup"), bus.get(units[0], "Service", "Slice")
    best = 1.0
    for _ in range(5):
        began = time.process_time()  # other tests may have the processors meanwhile
        used = [usage(unit_path(manager, slices, unit)) for unit in units]
        best = min(best, time.process_time() - began)
    print(f"100 units: {best * 1000:.1f} ms")
    assert all(one.pids and one.memory for one in used)
    assert best < 0.1
