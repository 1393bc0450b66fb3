"""``health``: an instance that hangs is restarted, and it is seen why."""

from __future__ import annotations

import re
import socket
import time
from typing import Any

import pytest

from integration.clients import Load
from integration.harness import (
    PATIENCE,
    Pm2sd,
    Project,
    Result,
    eventually,
    free_port,
    properties,
    run,
)
from integration.test_socket import active, get, pid, unit
from pm2sd.errors import ExitStatus

HEALTH = {"interval": "1s", "timeout": 900, "failures": 2}
BOUND = 2.0
"""Seconds: interval x failures."""

SLOW = 5.0
"""What a machine that is busy with other tests may add to the bound."""


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> Result:
    app = {"name": project.name("web"), "script": project.script("hangs.js"), **options}
    done = pm2sd("apply", project.ecosystem([app]))
    assert done.exit_status == ExitStatus.OK, done
    return done


def hang(port: int) -> int:
    """Has one of the instances hang; its number."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"GET /hang HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""  # it does not get to closing the connection
        while not (said := re.search(rb"\r\n\r\n(\d+) \d+", answer)):
            part = client.recv(4096)
            assert part, answer
            answer += part
    return int(said[1])


def restarts(project: Project, number: int) -> str:
    return properties(unit(project, number), "NRestarts")["NRestarts"]


@pytest.mark.parametrize(
    "options",
    [
        {"health": {"http": "/health", **HEALTH}},
        {"health": HEALTH},
        {"health": {"http": "/", **HEALTH}, "script": "web.py"},
        {"health": {"tcp": True, **HEALTH}, "script": "web.py", "hardening": "strict"},
        {"health": {"tcp": True, **HEALTH}},
        {"health": {"tcp": True, **HEALTH}, "exec_mode": "cluster"},
    ],
    ids=["node-http", "node-loop", "python-http", "python-tcp", "node-tcp", "node-own-socket-tcp"],
)
def test_an_endless_loop_is_restarted_within_interval_times_failures(
    pm2sd: Pm2sd, project: Project, options: dict[str, Any]
) -> None:
    port = free_port()
    if "script" in options:
        # tcp asks who accepts, which only a socket of systemd's leaves open.
        options = {**options, "script": project.script(options["script"]), "listen": port}
    # However long its starts take: they are not asked.
    starts = {"ready": {"tcp": port}, "listen_timeout": "60s"}
    apply(pm2sd, project, env={"PORT": port}, **starts, **options)
    before = pid(project, 0)
    begin = time.monotonic()
    hang(port)
    eventually(lambda: pid(project, 0) not in ("0", before))
    killed = int(properties(unit(project, 0), "ActiveExitTimestampMonotonic").popitem()[1]) / 1e6
    assert killed - begin < BOUND + SLOW
    assert restarts(project, 0) == "1"
    assert eventually(lambda: get(port)).split()[0] == "0"
    name = project.name("web")
    why = "failed its health check (was killed by SIGKILL)"
    eventually(lambda: why in pm2sd("describe", name).stdout)
    (row,) = pm2sd("status", "--json", name).json
    assert (row["restarts"], row["unhealthy"]) == (1, True)
    assert "1 (health)" in pm2sd("status", name).stdout
    said = "failed its health check 2 times in a row and is restarted: "
    logs = ("logs", "--nostream", "--lines", "50", name)
    eventually(lambda: pm2sd(*logs).stdout.count(said) == 1)


def test_of_those_that_share_a_socket_the_one_that_hangs_is_restarted(
    pm2sd: Pm2sd, project: Project
) -> None:
    port = free_port()
    options = {"exec_mode": "cluster", "instances": 3, "env": {"PORT": port}}
    options |= {"ready": "/health", "listen_timeout": "60s"}  # nobody is asked before that
    apply(pm2sd, project, health={"http": "/health", **HEALTH}, **options)
    before = [pid(project, number) for number in range(3)]
    hung = hang(port)
    with Load(port, clients=2) as load:
        eventually(lambda: pid(project, hung) not in ("0", before[hung]))
        eventually(lambda: active(unit(project, hung)) == "active")
        seen = load.count
        eventually(lambda: load.count > seen + 50)
    # At most what the one that hung had already accepted when it did.
    assert len(load.failures) <= 2
    assert [restarts(project, number) for number in range(3)] == [
        "1" if number == hung else "0" for number in range(3)
    ]


def test_a_command_decides_for_each_instance(pm2sd: Pm2sd, project: Project) -> None:
    command = f'test ! -e {project.path}/sick.$PM2SD_INSTANCE && kill -0 "$MAINPID"'
    options = {"script": "sleep", "args": "infinity", "instances": 2}
    apply(pm2sd, project, health={"command": command, **HEALTH}, **options)
    before = [pid(project, number) for number in range(2)]
    sick = project.write("sick.1", "")
    eventually(lambda: pid(project, 1) not in ("0", before[1]))
    sick.unlink()
    assert pid(project, 0) == before[0]
    why = "the command exited with code 1"
    eventually(lambda: why in pm2sd("logs", "--nostream", project.name("web")).stdout)


def test_one_that_is_not_restarted_by_itself_is_so_for_its_health(
    pm2sd: Pm2sd, project: Project
) -> None:
    port = free_port()
    apply(pm2sd, project, env={"PORT": port}, health=HEALTH, autorestart=False)
    before = pid(project, 0)
    hang(port)
    eventually(lambda: pid(project, 0) not in ("0", before))
    eventually(lambda: active(unit(project, 0)) == "active")


def test_within_the_grace_nothing_is_asked(pm2sd: Pm2sd, project: Project) -> None:
    env = {"PORT": free_port(), "COLD": 60_000}
    health = {"http": "/health", "interval": 200, "timeout": 100, "failures": 1}
    apply(pm2sd, project, env=env, health={**health, "grace": "3s"})
    name = unit(project, 0)
    found = properties(name, "ActiveEnterTimestampMonotonic")
    up = int(found["ActiveEnterTimestampMonotonic"]) / 1e6
    eventually(lambda: restarts(project, 0) != "0")
    assert time.monotonic() - up > 3


def test_the_rounds_leave_no_trace_and_end_with_the_app(pm2sd: Pm2sd, project: Project) -> None:
    apply(
        pm2sd,
        project,
        env={"PORT": free_port()},
        health={**HEALTH, "interval": 400, "timeout": 300, "failures": 100},
    )
    name = project.name("web")
    timer, service = f"{name}:health.timer", f"{name}:health.service"
    eventually(
        lambda: (
            properties(service, "ExecMainExitTimestampMonotonic")["ExecMainExitTimestampMonotonic"]
            != "0"
        )
    )
    said = pm2sd("logs", "--nostream", name).stdout
    assert "health" not in said
    logged = run("journalctl", "--user", "--quiet", f"--user-unit={service}").stdout
    assert logged == ""
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert active(timer) == "inactive"
    assert pm2sd("start", name).exit_status == ExitStatus.OK
    assert active(timer) == "active"
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    assert project.unit_files() == []
