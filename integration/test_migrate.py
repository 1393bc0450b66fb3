"""Apps of a real PM2, moved to systemd while they run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration.harness import Pm2sd, Project, Result, eventually, properties
from integration.load import load
from integration.pm2 import BINARY, Pm2
from pm2sd.systemd.paths import runtime_directory

NOTE = runtime_directory() / "migrating.json"
Migrate = Callable[..., Result]


def free_ports(count: int) -> list[int]:
    """Ports in a row that nothing listens on, below those that the kernel gives away."""
    for first in range(20_000 + os.getpid() % 5_000, 32_000, count):
        if all(_is_free(port) for port in range(first, first + count)):
            return list(range(first, first + count))
    raise AssertionError("no ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def environ(pm2: Pm2) -> dict[str, str]:
    """What lets pm2sd find this test's PM2."""
    return {**pm2.environment(), "PATH": f"{os.environ['PATH']}:{BINARY.parent}"}


@pytest.fixture
def migrate(pm2sd: Pm2sd, environ: dict[str, str]) -> Migrate:
    """`pm2sd migrate --yes ...`."""
    return lambda *arguments: pm2sd("migrate", *(arguments or ("--yes",)), env=environ)


def start(pm2: Pm2, project: Project, *apps: dict[str, Any]) -> None:
    """Start apps under PM2, and wait until their ports answer."""
    project.write("pm2.json", json.dumps({"apps": list(apps)}))
    started = pm2("start", "pm2.json", cwd=project.path)
    assert started.exit_status == 0, started
    for app in apps:
        if first := app.get("env", {}).get("PORT"):
            for number in range(app.get("instances", 1) if "increment_var" in app else 1):
                eventually(partial(answer, first + number))


def answer(port: int) -> bytes:
    """What the app on a port says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
        found: bytes = response.read()
        return found


def statuses(pm2: Pm2, name: str) -> list[str]:
    """The states that PM2 has for an app's processes."""
    return [one["pm2_env"]["status"] for one in pm2.of(name)]


def is_up(name: str, number: int = 0) -> bool:
    """Whether systemd runs an instance."""
    return properties(f"{name}@{number}.service", "ActiveState")["ActiveState"] == "active"


def server(project: Project, name: str, port: int, **more: Any) -> dict[str, Any]:
    """An app that serves HTTP."""
    env = {"PORT": port, **more.pop("env", {})}
    script = project.script("http_server.js")
    return {"name": project.name(name), "script": script, "env": env, **more}


def worker(project: Project, name: str) -> dict[str, Any]:
    """An app that only waits."""
    return {"name": project.name(name), "script": project.script("talks.py"), "args": "1 'b c'"}


def test_moves_what_runs_and_leaves_stopped_what_is_stopped(
    pm2: Pm2, migrate: Migrate, project: Project
) -> None:
    web, jobs, idle = project.name("web"), project.name("jobs"), project.name("idle")
    (port,) = free_ports(1)
    start(
        pm2,
        project,
        server(project, "web", port, env={"SESSION_SECRET": "s3cr3t", "GREETING": "hello you"}),
        worker(project, "jobs"),
        worker(project, "idle"),
    )
    pm2("stop", idle)
    moved = migrate()
    assert moved.exit_status == 0, moved
    for name in (web, jobs, idle):
        assert statuses(pm2, name) == ["stopped"]
    assert is_up(web)
    assert is_up(jobs)
    assert not is_up(idle)
    assert f"moved {web}" in moved.stdout
    assert "pm2 kill" in moved.stderr
    env = json.loads(answer(port))["env"]
    assert (env["SESSION_SECRET"], env["GREETING"]) == ("s3cr3t", "hello you")
    assert "PM2_HOME" not in env
    assert "s3cr3t" not in project.path.joinpath("ecosystem.yaml").read_text()
    secret = project.path / f"secrets/{web}.env"
    assert secret.stat().st_mode & 0o777 == 0o600
    pm2("kill")
    assert answer(port)
    assert is_up(jobs)


def test_again_there_is_nothing_to_move(pm2: Pm2, migrate: Migrate, project: Project) -> None:
    start(pm2, project, worker(project, "app"))
    assert migrate().exit_status == 0
    pid = properties(f"{project.name()}@0.service", "MainPID")
    again = migrate()
    assert again.exit_status == 0, again
    assert "pm2sd has it already" in again.stdout
    assert properties(f"{project.name()}@0.service", "MainPID") == pid


@pytest.mark.parametrize("more", [{}, {"increment_var": "PORT"}], ids=["one port", "two ports"])
def test_a_cluster_under_load_is_away_for_a_moment(
    pm2: Pm2,
    migrate: Migrate,
    project: Project,
    more: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> None:
    name, cluster = project.name("web"), {"exec_mode": "cluster", "instances": 2, **more}
    ports = free_ports(2)[: 2 if more else 1]
    start(pm2, project, server(project, "web", ports[0], **cluster))
    with load(ports) as loads:
        eventually(lambda: all(len(one.answered) > 20 for one in loads))
        moved = migrate()
        over = time.monotonic()
        eventually(lambda: all(one.answered[-1] > over for one in loads))
    assert moved.exit_status == 0, moved
    assert statuses(pm2, name) == ["stopped", "stopped"]
    assert is_up(name, 0)
    assert is_up(name, 1)
    pids = {properties(f"{name}@{n}.service", "MainPID")["MainPID"] for n in (0, 1)}
    answering: set[str] = set()

    def everybody_answers() -> bool:
        answering.update(str(pid(port)) for port in ports)
        return answering == pids

    eventually(everybody_answers)
    for one in loads:
        record_property("load", str(one))
        print(one)
        assert one.longest_gap() < 10  # a second or two, but for other tests
        assert not [began for began in one.failed if began > over]


def pid(port: int) -> int:
    """The process that answers on a port."""
    found: int = json.loads(answer(port))["pid"]
    return found


def test_an_app_that_fails_under_systemd_goes_back(
    pm2: Pm2, migrate: Migrate, project: Project
) -> None:
    good, bad = project.name("good"), project.name("bad")
    ports = free_ports(2)
    script = project.script("needs_pm2.js")
    start(
        pm2,
        project,
        {"name": bad, "script": script, "env": {"PORT": ports[0]}},
        server(project, "good", ports[1]),
    )
    moved = migrate()
    assert moved.exit_status == 1, moved
    assert f"not moved {bad}: it runs under PM2 again" in moved.stdout
    assert "there is no PM2 here" in moved.stderr
    assert f"PM2 still runs {bad}" in moved.stderr
    assert statuses(pm2, bad) == ["online"]
    assert eventually(lambda: answer(ports[0])) == b"under PM2"
    assert not [path for path in project.unit_files() if bad in path.name]
    assert is_up(good)


@pytest.mark.parametrize("mode", ["fork", "cluster"])
def test_an_app_that_does_not_answer_goes_back(
    pm2: Pm2, migrate: Migrate, project: Project, mode: str
) -> None:
    """Also where systemd has the socket open, so that connections come about."""
    name = project.name("silent")
    (port,) = free_ports(1)
    env = {"PORT": port, "ONLY_SILENT": "1"}
    script = project.script("needs_pm2.js")
    start(pm2, project, {"name": name, "script": script, "env": env, "exec_mode": mode})
    moved = migrate()
    assert moved.exit_status == 1, moved
    assert f"127.0.0.1:{port} did not answer" in moved.stderr
    assert statuses(pm2, name) == ["online"]
    assert eventually(lambda: answer(port)) == b"under PM2"


def test_only_some(pm2: Pm2, migrate: Migrate, project: Project) -> None:
    one, other = project.name("one"), project.name("other")
    start(pm2, project, worker(project, "one"), worker(project, "other"))
    moved = migrate("--yes", "--only", one)
    assert moved.exit_status == 0, moved
    assert (statuses(pm2, one), statuses(pm2, other)) == (["stopped"], ["online"])
    assert is_up(one)
    assert f"PM2 still runs {other}" in moved.stderr
    assert migrate("--yes", "--only", "nobody").exit_status == 4


def test_a_dry_run_changes_nothing(pm2: Pm2, migrate: Migrate, project: Project) -> None:
    (port,) = free_ports(1)
    start(pm2, project, server(project, "web", port, env={"API_KEY": "k"}))
    files = sorted(project.path.rglob("*"))
    told = migrate("--dry-run")
    assert told.exit_status == 0, told
    assert f"127.0.0.1:{port}" in told.stdout
    assert sorted(p for p in project.path.rglob("*") if pm2.home not in p.parents) == [
        path for path in files if pm2.home not in path.parents
    ]
    assert statuses(pm2, project.name("web")) == ["online"]
    assert not project.unit_files()


def test_an_app_that_runs_in_both_is_left_alone(
    pm2: Pm2, pm2sd: Pm2sd, environ: dict[str, str], migrate: Migrate, project: Project
) -> None:
    start(pm2, project, worker(project, "app"))
    assert pm2sd("import", "--live", env=environ).exit_status == 0
    assert pm2sd("apply").exit_status == 0
    refused = migrate()
    assert refused.exit_status == 1, refused
    assert "runs under PM2 and under pm2sd" in refused.stdout
    assert statuses(pm2, project.name()) == ["online"]
    assert is_up(project.name())
    assert pm2("stop", project.name()).exit_status == 0
    assert migrate().exit_status == 0


def test_nobody_to_ask_moves_nothing(
    pm2: Pm2, pm2sd: Pm2sd, environ: dict[str, str], project: Project
) -> None:
    start(pm2, project, worker(project, "app"))
    asked = pm2sd("migrate", env=environ)
    assert asked.exit_status == 2, asked
    assert "--yes" in asked.stderr
    assert statuses(pm2, project.name()) == ["online"]


def test_without_a_running_pm2_none_is_started(
    pm2: Pm2, migrate: Migrate, environ: dict[str, str]
) -> None:
    refused = migrate()
    assert refused.exit_status == 1, refused
    assert "PM2 does not run" in refused.stderr
    assert not (pm2.home / "pm2.pid").exists()


def test_what_was_moved_does_not_come_up_under_pm2_at_boot(
    pm2: Pm2, migrate: Migrate, project: Project
) -> None:
    start(pm2, project, worker(project, "app"))
    pm2("save")
    saved = (pm2.home / "dump.pm2").read_bytes()
    assert migrate().exit_status == 0
    assert (pm2.home / "dump.pm2.before-pm2sd").read_bytes() == saved
    pm2("kill")
    pm2("resurrect")
    assert statuses(pm2, project.name()) == ["stopped"]


class Interrupted:
    """`pm2sd migrate` of an app that takes 3 s to stop, caught after the order to stop it."""

    def __init__(self, pm2: Pm2, pm2sd: Pm2sd, environ: dict[str, str], project: Project) -> None:
        self.pm2, self.name = pm2, project.name("slow")
        script = project.script("ignores_sigint.py")
        start(pm2, project, {"name": self.name, "script": script, "kill_timeout": 1500})
        eventually(lambda: "ready" in self._log())
        NOTE.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            pm2sd.command("migrate", "--yes"),
            cwd=project.path,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        eventually(NOTE.exists)

    def _log(self) -> str:
        (element,) = self.pm2.of(self.name)
        return Path(element["pm2_env"]["pm_out_log_path"]).read_text()

    def send(self, number: signal.Signals) -> int:
        """Send a signal; how the process ended."""
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_the_app_is_back_under_pm2(
    pm2: Pm2, pm2sd: Pm2sd, environ: dict[str, str], project: Project, number: signal.Signals
) -> None:
    migration = Interrupted(pm2, pm2sd, environ, project)
    assert migration.send(number) == 130
    assert statuses(pm2, migration.name) == ["online"]
    assert not is_up(migration.name)
    eventually(lambda: processes_of("ignores_sigint.py") == 1)
    assert not NOTE.exists()


def test_after_a_kill_the_next_run_goes_on(
    pm2: Pm2, pm2sd: Pm2sd, environ: dict[str, str], project: Project, migrate: Migrate
) -> None:
    migration = Interrupted(pm2, pm2sd, environ, project)
    assert migration.send(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: statuses(pm2, migration.name) == ["stopped"])
    assert not is_up(migration.name)
    moved = migrate()
    assert moved.exit_status == 0, moved
    assert is_up(migration.name)
    assert statuses(pm2, migration.name) == ["stopped"]
    assert not NOTE.exists()


def processes_of(script: str) -> int:
    """How many processes of this user run a script."""
    return sum(
        any(script in word for word in process.info["cmdline"] or ())
        for process in psutil.process_iter(["cmdline", "username"])
        if process.info["username"] == psutil.Process().username()
    )
