"""apply killed at any moment: the next apply ends in the right state."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, properties
from pm2sd.errors import ExitStatus

POINTS = 24
PARTS = 4
"""All points in one test would take minutes, on a busy machine more than a test may."""


def apps(project: Project, generation: int) -> list[dict[str, Any]]:
    """A configuration that differs from the one before in every way a plan knows.

    A variable changes (restart), a limit changes (reload), an app grows and shrinks, one app
    exists in every other generation only.
    """
    base: dict[str, Any] = {"script": "sleep", "args": "infinity", "exec_mode": "fork"}
    odd = generation % 2
    found = [
        {**base, "name": project.name("env"), "env": {"GENERATION": str(generation)}},
        {**base, "name": project.name("limit"), "max_memory_restart": f"{100 + generation}M"},
        {**base, "name": project.name("size"), "instances": 3 if odd else 1, "increment_var": "N"},
    ]
    return [*found, {**base, "name": project.name("odd")}] if odd else found


def process_environment(unit: str) -> dict[str, str]:
    """What the running process was given, whatever its unit says by now."""
    pid = properties(unit, "MainPID")["MainPID"]
    assert pid != "0", unit
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def check(project: Project, generation: int) -> None:
    odd = generation % 2
    env = f"{project.name('env')}@0.service"
    assert process_environment(env)["GENERATION"] == str(generation)
    limit = properties(f"{project.name('limit')}@0.service", "MemoryMax", "NeedDaemonReload")
    assert limit == {"MemoryMax": str((100 + generation) * 1024 * 1024), "NeedDaemonReload": "no"}
    sizes = [
        properties(f"{project.name('size')}@{n}.service", "ActiveState")["ActiveState"]
        for n in range(3)
    ]
    assert sizes == ["active", *(["active"] * 2 if odd else ["inactive"] * 2)]
    if odd:
        assert process_environment(f"{project.name('size')}@2.service")["N"] == "2"
    there = [path for path in project.unit_files() if project.name("odd") in path.name]
    assert bool(there) == bool(odd)


@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_an_apply_killed_at_any_moment_is_finished_by_the_next(
    pm2sd: Pm2sd, project: Project, part: int
) -> None:
    file = project.ecosystem(apps(project, 0))
    started = time.monotonic()
    assert pm2sd("apply", "--prune", file).exit_status == ExitStatus.OK
    whole = time.monotonic() - started
    for generation, point in enumerate(range(part, POINTS + 1, PARTS), 1):
        project.ecosystem(apps(project, generation))
        process = subprocess.Popen(
            pm2sd.command("apply", "--prune", file),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # The settling at the end changes nothing, so the points lie before it.
        try:
            process.wait(timeout=whole * 0.7 * point / POINTS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        finished = pm2sd("apply", "--prune", file)
        assert finished.exit_status == ExitStatus.OK, finished
        check(project, generation)
        again = pm2sd("apply", "--prune", file)
        assert again.stdout.count("unchanged") == len(apps(project, generation)), again.stdout
