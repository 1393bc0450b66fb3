"""Limits of memory, as far as they work without the kernel's controller.

What the kernel enforces is shown where it has the controller: integration/vm.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from integration.harness import Pm2sd, Project, eventually, properties, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.units import names

# Instance 1 takes 48 MB once; each says when it is asked to stop.
GREEDY = """\
import os, pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
number = os.environ["NODE_APP_INSTANCE"]
def stop(*_):
    (here / f"asked-{number}").touch()
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
if number == "1" and not (here / "asked-1").exists():
    kept = b"x" * (48 << 20)
(here / f"up-{number}").write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> str:
    app = {"name": project.name(), "script": "sleep", "args": "infinity", **options}
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.OK, result
    return result.stdout + result.stderr


def test_graceful_reloads_the_instances_that_use_too_much(pm2sd: Pm2sd, project: Project) -> None:
    # The kernel wants "_memory..." for the group of such a name.
    name = f"memory.{project.prefix} it's $1"
    script = project.write("greedy.py", GREEDY)
    apply(
        pm2sd,
        project,
        name=name,
        script=str(script),
        args=[str(project.path)],
        interpreter=sys.executable,
        instances=2,
        max_memory_restart="32M",
        memory_policy="graceful",
    )
    eventually((project.path / "up-1").exists)
    before = pids(pm2sd, name)
    timer, service = (names.auxiliary(name, "memory", suffix) for suffix in ("timer", "service"))
    assert properties(timer, "ActiveState") == {"ActiveState": "active"}

    done = systemctl("start", service)

    assert done.exit_status == 0, done
    after = pids(pm2sd, name)
    assert after[0] == before[0]
    assert after[1] not in (before[1], 0)
    assert sorted(path.name for path in project.path.glob("asked-*")) == ["asked-1"]

    def said() -> str:
        return pm2sd("logs", name, "--nostream", "--lines", "20").stdout

    eventually(lambda: f"{name}@1 uses " in said())
    assert "max_memory_restart is 32M: reloading it" in said()
    assert f"{name}@0 uses " not in said()

    # That it looks is not worth a line of the journal.
    assert systemctl("start", service).exit_status == 0
    assert pids(pm2sd, name) == after
    assert "Starting" not in systemctl("status", service).stdout

    assert pm2sd("stop", name).exit_status == 0
    assert properties(timer, "ActiveState") == {"ActiveState": "inactive"}
    assert systemctl("start", service).exit_status == 0, "nothing runs, which is no mistake"
    assert pm2sd("start", name).exit_status == 0
    assert properties(timer, "ActiveState") == {"ActiveState": "active"}


def pids(pm2sd: Pm2sd, name: str) -> list[int]:
    return [row["pid"] for row in pm2sd("status", "--json", name).json]


def test_the_policy_comes_and_goes_without_a_restart(pm2sd: Pm2sd, project: Project) -> None:
    def state() -> tuple[str, dict[str, str]]:
        unit = names.instance(project.name(), 0)
        return pm2sd("pid", project.name()).stdout, properties(unit, "MemoryMax", "OOMPolicy")

    timer = names.auxiliary(project.name(), "memory", "timer")
    apply(pm2sd, project, max_memory_restart="100M")
    pid, limits = state()
    assert limits == {"MemoryMax": str(100 << 20), "OOMPolicy": "stop"}
    said = apply(pm2sd, project, max_memory_restart="100M", memory_policy="graceful")
    assert "killed at 150M" in said
    assert state() == (pid, {"MemoryMax": str(150 << 20), "OOMPolicy": "stop"})
    assert properties(timer, "ActiveState") == {"ActiveState": "active"}
    apply(pm2sd, project)
    assert state() == (pid, {"MemoryMax": "infinity", "OOMPolicy": "stop"})
    assert properties(timer, "ActiveState", "LoadState")["ActiveState"] == "inactive"
    assert not [path for path in project.unit_files() if ":memory" in path.name]


def test_the_total_of_an_app_is_changed_without_a_restart(pm2sd: Pm2sd, project: Project) -> None:
    around = names.slice_name(project.name())

    def total() -> dict[str, str]:
        return properties(around, "MemoryMax", "MemorySwapMax", "NeedDaemonReload")

    apply(pm2sd, project, instances=2)
    before = pids(pm2sd, project.name())
    for megabytes in (100, 200):
        said = apply(pm2sd, project, instances=2, memory_total=f"{megabytes}M")
        assert "update: " in said
        assert "MemoryMax" in said
        assert total() == {
            "MemoryMax": str(megabytes << 20), "MemorySwapMax": "0", "NeedDaemonReload": "no",
        }  # fmt: skip
        described = pm2sd("describe", project.name()).stdout.split()
        assert described[described.index("memory_total") + 1].startswith(f"{megabytes}.0mb")
    assert "unchanged" in apply(pm2sd, project, instances=2, memory_total="200M")
    said = apply(pm2sd, project, instances=2)
    assert "MemoryMax" in said
    assert total()["MemoryMax"] == "infinity"
    assert pids(pm2sd, project.name()) == before
    apply(pm2sd, project, instances=2, memory_total="100M")
    assert pm2sd("delete", project.name()).exit_status == 0
    assert project.unit_files() == []
    assert properties(around, "ActiveState") == {"ActiveState": "inactive"}


def test_mistakes_are_told_where_they_are(pm2sd: Pm2sd, project: Project) -> None:
    file = Path(project.ecosystem("apps:\n- script: /bin/true\n  memory_policy: graceful\n"))
    refused = pm2sd("apply", file)
    assert refused.exit_status == ExitStatus.INVALID_CONFIG
    assert "ecosystem.yaml:3:18: error: there is no max_memory_restart" in refused.stderr
    assert "hint: write max_memory_restart: 300M too" in refused.stderr
    project.ecosystem("apps:\n- script: /bin/true\n  memory_total: 300\n")
    refused = pm2sd("apply", file)
    assert refused.exit_status == ExitStatus.INVALID_CONFIG
    assert "did you mean 300M?" in refused.stderr
