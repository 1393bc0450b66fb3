"""``health`` by systemd's watchdog, which the sandbox's systemd is too old for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.harness import eventually
from integration.vm.machine import PATIENCE, Machine, only

pytestmark = only("13")

HANGS = "/src/integration/apps/hangs.js"
PORT = 8100
HEALTH = {"interval": "2s", "timeout": "1s", "failures": 3}
SPAN = 6.0
"""Seconds: interval x failures."""

SLOW = 6.0
"""What the machine may take longer: it has a part of a processor, with a loop on it."""

# As npm does: a shell runs what it starts.
LAUNCHER = f"""
require('child_process').spawn('/bin/sh', ['-c', 'node {HANGS}; true'], {{ stdio: 'inherit' }});
setInterval(() => {{}}, 1000);
"""

# pm2sd as it is under an older systemd.
OLDER = """
from pm2sd.__main__ import run
from pm2sd.systemd.bus import Bus

Bus.version = lambda self: 252
run()
"""


@pytest.fixture(autouse=True)
def without_apps(machine: Machine) -> Iterator[None]:
    """Nothing is left of a test's apps."""
    yield
    machine.run("pm2sd delete all")


def apply(machine: Machine, command: str = "pm2sd apply", **options: Any) -> None:
    """Applies an app "web" that waits until it is ready; a start here may take some seconds."""
    app = {"name": "web", "script": HANGS, "env": {"PORT": PORT}, "listen_timeout": "60s"}
    readiness = {} if "ready" in options else {"wait_ready": True}
    machine.write("app/ecosystem.json", json.dumps({"apps": [app | readiness | options]}))
    done = machine.run(f"cd app && {command}")
    assert done.exit_status == 0, done


def get(machine: Machine, path: str) -> str:
    return machine.run(f"curl -s --max-time 5 http://localhost:{PORT}{path}").stdout


def rows(machine: Machine) -> list[tuple[int, bool]]:
    """Of each instance, how often it was restarted, and whether the last time for its health."""
    status = json.loads(machine.run("pm2sd status --json").stdout)
    return [(row["restarts"], row["unhealthy"]) for row in status]


def is_up(machine: Machine, number: int = 0) -> bool:
    shown = machine.run(f"systemctl --user show -P ActiveState web@{number}")
    return shown.stdout == "active\n"


def restarted(machine: Machine, number: int = 0) -> bool:
    return machine.run(f"systemctl --user show -P NRestarts web@{number}").stdout == "1\n"


@pytest.mark.parametrize(
    "options",
    [
        {"health": HEALTH},
        {"health": {"tcp": True, **HEALTH}, "autorestart": False},
        {"health": {"http": "/health", **HEALTH}, "script": "launcher.js"},
    ],
    ids=["loop", "tcp-without-autorestart", "launcher"],
)
def test_an_endless_loop_is_restarted_within_interval_times_failures(
    machine: Machine, options: dict[str, Any]
) -> None:
    machine.write("app/launcher.js", LAUNCHER)
    apply(machine, **options)
    begin = float(machine.run("cat /proc/uptime").stdout.split()[0])
    get(machine, "/hang")
    eventually(lambda: restarted(machine), PATIENCE)
    # By the machine's own clock: how long a question to it takes is not the app's.
    shown = machine.run("systemctl --user show -P ActiveExitTimestampMonotonic web@0").stdout
    assert int(shown) / 1e6 - begin < SPAN + SLOW
    eventually(lambda: is_up(machine), PATIENCE)
    assert get(machine, "/").startswith("0 ")
    assert rows(machine) == [(1, True)]
    assert "1 (health)" in machine.run("pm2sd status").stdout
    described = machine.run("pm2sd describe web").stdout
    assert "failed its health check (was killed by SIGKILL)" in described
    logs = machine.run("pm2sd logs --nostream --lines 50").stdout
    assert "Failed with result 'watchdog': it failed its health check" in logs


def test_bad_answers_are_told_of_and_end_in_a_restart(machine: Machine) -> None:
    apply(machine, health={"http": "/health", **HEALTH}, on_failure="/bin/true")
    get(machine, "/sick")
    eventually(lambda: restarted(machine), PATIENCE)
    eventually(lambda: is_up(machine), PATIENCE)
    assert rows(machine) == [(1, True)]
    said = machine.run("pm2sd logs --nostream --lines 50").stdout
    problem = "GET http://localhost/health: status 500 Internal Server Error"
    assert f"pm2sd: failed its health check: {problem}" in said
    assert f"pm2sd: failed its health check 3 times in a row: {problem}" in said


def test_one_that_is_given_up_for_its_health_is_told_of(machine: Machine) -> None:
    machine.write("app/tell.sh", 'echo "$PM2SD_EVENT $MONITOR_SERVICE_RESULT" > told')
    given_up: dict[str, Any] = {"max_restarts": 1, "min_uptime": "1h", "on_failure": "sh tell.sh"}
    apply(machine, health=HEALTH, **given_up)
    get(machine, "/hang")
    eventually(lambda: machine.run("cat app/told").stdout == "failed watchdog\n", PATIENCE)
    status = json.loads(machine.run("pm2sd status --json").stdout)
    assert [(row["state"], row["restarts"]) for row in status] == [("errored", 0)]


@pytest.mark.parametrize("readiness", [{}, {"ready": "/"}], ids=["wait-ready", "ready"])
def test_one_that_is_slow_to_become_ready_is_not_killed(
    machine: Machine, readiness: dict[str, str]
) -> None:
    env = {"PORT": PORT, "BUSY": (SPAN + 2) * 1000}
    apply(machine, env=env, health={"http": "/health", **HEALTH}, **readiness)
    assert rows(machine) == [(0, False)]
    # From now on it is the shorter one.
    shown = "systemctl --user show -P WatchdogUSec web@0"
    eventually(lambda: machine.run(shown).stdout == f"{SPAN:.0f}s\n", PATIENCE)


def test_of_a_cluster_the_one_that_hangs_is_restarted(machine: Machine) -> None:
    apply(machine, health={"http": "/health", **HEALTH}, exec_mode="cluster", instances=2)
    hung = int(get(machine, "/hang").split()[0])
    eventually(lambda: restarted(machine, hung), PATIENCE)
    eventually(lambda: is_up(machine, hung), PATIENCE)
    assert rows(machine) == [(int(n == hung), n == hung) for n in range(2)]


def test_after_an_upgrade_of_systemd_the_watchdog_takes_the_place_of_the_timer(
    machine: Machine,
) -> None:
    timer = "systemctl --user show -P LoadState -P ActiveState web:health.timer"
    machine.write("app/older.py", OLDER)
    apply(machine, "/opt/pm2sd/bin/python older.py apply", health=HEALTH)
    assert machine.run(timer).stdout.split() == ["loaded", "active"]
    apply(machine, health=HEALTH)
    assert machine.run(timer).stdout.split() == ["not-found", "inactive"]
    files = machine.run("ls ~/.config/systemd/user").stdout
    assert ":health" not in files
    assert "WatchdogSec=" in machine.run("pm2sd cat web").stdout
    machine.run("pm2sd delete web")
    assert "pm2sd" not in machine.run("ls ~/.config/systemd/user").stdout
