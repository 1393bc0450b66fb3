"""An upgrade of the distribution under applied apps, and the way back: the home directory moves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from integration.harness import Result, eventually
from integration.vm.machine import PATIENCE, Machine, missing, only

SERVER = """
require('http').createServer((_, response) => response.end(process.env.GREETING)).listen(8123)
"""
APPS = [
    {"name": "growing", "script": "sleep", "args": "1000", "exp_backoff_restart_delay": 100}
    | {"instances": 2},
    {"name": "web", "script": "server.js", "exec_mode": "cluster", "instances": 2}
    | {"env": {"GREETING": "grüß Gott", "PORT": "8123"}, "max_memory_restart": "200M"}
    | {"cron_restart": "0 3 * * *", "secrets": {"KEY": "hidden"}},
]
RUNS = ["growing@0", "growing@1", "web@0", "web@1"]
TAR = "tar --create --gzip --directory=/home tester | base64"
UNTAR = "rm -rf /home/tester && base64 -d | tar --extract --gzip --directory=/home && sync"


@pytest.fixture
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine of the next release of Debian."""
    if problem := missing("13"):
        pytest.fail(problem) if os.environ.get("PM2SD_SANDBOX") else pytest.skip(problem)
    machine = Machine("13", tmp_path_factory.mktemp("upgraded"))
    try:
        machine.boot()
        yield machine
    finally:
        machine.power_cut()


def ok(machine: Machine, command: str, user: str = "tester", given: str = "") -> Result:
    done = machine.run(command, user, given)
    assert done.exit_status == 0, (machine.release, command, done)
    return done


def move(old: Machine, new: Machine) -> None:
    """Takes tester's home from one machine to the other, and boots that one, as an upgrade does."""
    home = ok(old, TAR, "root").stdout
    new.logout()
    ok(new, "systemctl stop user@1000.service", "root")
    ok(new, UNTAR, "root", home)
    ok(new, "loginctl enable-linger tester", "root")
    new.reboot()


def online(machine: Machine) -> list[str]:
    """The instances that run, without anybody having asked for it since the boot."""
    found = ok(machine, "pm2sd status --json").json
    return sorted(f"{row['name']}@{row['instance']}" for row in found if row["state"] == "online")


def pids(machine: Machine, app: str) -> list[str]:
    return ok(machine, f"pm2sd pid {app}").stdout.split()


def greeting(machine: Machine) -> str:
    return machine.run("curl -fs http://127.0.0.1:8123/", "root").stdout


def plan_again(machine: Machine, lacks: str, gets: str) -> None:
    """The other version's units work; what differs is told and changed, and nothing else."""
    eventually(lambda: greeting(machine) == "grüß Gott", PATIENCE)
    eventually(lambda: online(machine) == RUNS, PATIENCE)
    before = {name: pids(machine, name) for name in ("growing", "web")}
    diff = machine.run("cd app && pm2sd diff")
    assert diff.exit_status == 1, diff
    changed = [line for line in diff.stdout.splitlines() if line.startswith(("-", "+", "~"))]
    assert any(line.startswith(f"-{lacks}") for line in changed), changed
    assert any(line.startswith(f"+{gets}") for line in changed), changed
    plan = machine.run("cd app && pm2sd diff --json").json
    actions = {one["app"]: one["action"] for one in plan["changes"]}
    assert actions == {"growing": "update", "web": "keep"}
    target = f"cd app && pm2sd diff --target-systemd {machine.systemd}"
    assert machine.run(target).stdout == diff.stdout

    ok(machine, "cd app && pm2sd apply")
    assert online(machine) == RUNS
    assert pids(machine, "web") == before["web"], "what is as it should be goes on"
    assert not set(pids(machine, "growing")) & set(before["growing"])
    again = ok(machine, "cd app && pm2sd apply")
    assert "~" not in again.stdout, again
    ok(machine, "cd app && pm2sd diff")
    assert greeting(machine) == "grüß Gott"
    assert "KEY: hidden" in ok(machine, "pm2sd env --reveal web@0").stdout
    ok(machine, "kill -9 $(pm2sd pid growing@0)")
    eventually(lambda: online(machine) == RUNS, PATIENCE)


@only("12")
def test_units_of_another_systemd_run_and_are_brought_up_to_date(
    machine: Machine, upgraded: Machine
) -> None:
    machine.write("app/server.js", SERVER)
    machine.write("app/ecosystem.json", json.dumps({"apps": APPS}))
    ok(machine, "pm2sd startup; cd app && pm2sd apply && pm2sd save")
    move(machine, upgraded)
    plan_again(upgraded, lacks="ExecStartPre=", gets="RestartSteps=")
    move(upgraded, machine)
    plan_again(machine, lacks="RestartSteps=", gets="ExecStartPre=")
    ok(machine, "pm2sd delete all")
