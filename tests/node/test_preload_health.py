"""``health`` by the watchdog: what the manager is told, and when not."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.node.harness import SECONDS, Listening, Run, Server
from tests.node.watched import (
    FEED,
    HEALTH,
    HTTP,
    SERVES,
    SHORTEN,
    STAYS,
    Manager,
    complains_of,
    start,
)


def get(server: Server, path: str) -> None:
    with server.connect() as client:
        client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        client.recv(100)


def test_it_is_fed_by_the_app_itself_as_long_as_its_event_loop_turns(
    app: Run, manager: Manager, directory: Path
) -> None:
    script = STAYS + "process.stdin.once('data', () => { console.log('hanging'); for (;;); });"
    running = start(app, manager, directory, script)
    assert [manager.heard() for _ in range(3)] == [(FEED, running.process.pid)] * 3
    running.tell("hang")
    assert running.said() == "hanging"
    assert not manager.is_fed(within=0.5)


def test_it_is_fed_whatever_else_node_has_to_do(
    app: Run, manager: Manager, directory: Path
) -> None:
    """Node has four threads for the app's files, names and hashes."""
    script = """
        const hash = () => require('crypto').pbkdf2('a', 'b', 1e9, 64, 'sha512', () => {});
        for (let i = 0; i < 8; i++) hash();
    """
    start(app, manager, directory, script + STAYS)
    assert [manager.heard()[0] for _ in range(3)] == [FEED] * 3


def test_one_that_takes_its_time_to_stop_is_not_watched_any_more(
    app: Run, manager: Manager, listening: Listening, directory: Path
) -> None:
    """systemd has ended the watchdog by then, and a feed would start it again."""
    stops = "process.on('SIGTERM', () => console.log('stopping'));"
    running = start(app, manager, directory, SERVES + stops, listening(), **HTTP)
    assert manager.is_fed()
    running.process.send_signal(signal.SIGTERM)
    assert running.said() == "stopping"
    told = [manager.heard()[0]]
    while told[-1] == FEED and len(told) < 10:  # what was on its way
        told.append(manager.heard()[0])
    assert told[-1] == "WATCHDOG_USEC=0"
    assert manager.heard(within=0.5) == ("", 0)
    running.kill()
    assert running.end()[2] == ""


def test_a_question_that_takes_long_is_followed_by_the_next(
    app: Run, manager: Manager, directory: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        running = start(app, manager, directory, STAYS, address=str(port), timeout=200, **HTTP)
        said = [running.complained() for _ in range(2)]
        assert manager.heard(within=0.1) == ("", 0)
    problem = "GET http://localhost/health: no answer within 0.2 s"
    assert said == [
        f"pm2sd: failed its health check: {problem}",
        f"pm2sd: failed its health check 2 times in a row: {problem}",
    ]


def test_what_answers_badly_is_told_and_not_who_is_absent(
    app: Run, manager: Manager, directory: Path
) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
        port = probe.getsockname()[1]
    script = """
        require('http').createServer((request, response) => {
            response.statusCode = 500;
            response.end();
        }).listen(PORT, '::1', () => console.log('up'));
    """.replace("PORT", str(port))
    running = start(app, manager, directory, script, address=str(port), **HTTP)
    assert complains_of(running, "status 500")
    assert manager.heard(within=0.3) == ("", 0)


def test_it_is_fed_when_this_instance_answers_well(
    app: Run, manager: Manager, listening: Listening, directory: Path
) -> None:
    server = listening()
    running = start(app, manager, directory, SERVES, server, **HTTP)
    assert manager.is_fed()
    get(server, "/sick")
    problem = "GET http://localhost/health: status 500 Internal Server Error"
    assert running.complained() == f"pm2sd: failed its health check: {problem}"
    assert not manager.is_fed(within=0.3)
    assert running.complained() == f"pm2sd: failed its health check 2 times in a row: {problem}"
    get(server, "/well")
    assert manager.is_fed()
    get(server, "/hang")
    assert running.said() == "hanging"
    assert not manager.is_fed(within=0.5)


def test_what_another_instance_answers_does_not_feed_it(
    app: Run, manager: Manager, listening: Listening, directory: Path
) -> None:
    server = listening()
    (directory.parent / "web@1").mkdir()
    held = {f"127.0.0.1:{server.port}": server}
    other = app(f"const PORT = {server.port};{SERVES}", sockets=held, name="other.js")
    assert other.said() == "up"
    running = start(app, manager, directory, SERVES, server, **HTTP)
    assert manager.is_fed()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(directory / "socket-0"))
        client.sendall(b"GET /hang HTTP/1.0\r\n\r\n")
        client.recv(100)
    assert running.said() == "hanging"
    assert not manager.is_fed(within=0.5)


@pytest.mark.parametrize("how", [HTTP, {}], ids=["http", "tcp"])
def test_a_port_of_the_apps_own_is_asked(
    app: Run, manager: Manager, listening: Listening, directory: Path, how: dict[str, Any]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = f"const PORT = {port};{STAYS} process.stdin.once('data', () => {{ {SERVES} }});"
    running = start(app, manager, directory, script, address=str(port), **how)
    what = "GET http://localhost/health" if how else f"a connection to {port}"
    problem = f"pm2sd: failed its health check: {what}: connect ECONNREFUSED"
    assert problem in running.complained()
    assert manager.heard(within=0.3) == ("", 0)
    running.tell("listen")
    assert running.said() == "up"
    assert manager.is_fed()


def test_within_the_grace_it_is_left_to_the_longer_watchdog(
    app: Run, manager: Manager, directory: Path
) -> None:
    begin = time.monotonic()
    start(app, manager, directory, STAYS, grace=600, patience=600)
    assert manager.heard()[0] == SHORTEN
    assert time.monotonic() - begin > 0.6
    assert manager.heard()[0] == FEED


def test_until_the_app_says_it_is_ready_it_is_left_alone(
    app: Run, manager: Manager, directory: Path
) -> None:
    script = STAYS + "process.stdin.once('data', () => process.send('ready'));"
    running = start(app, manager, directory, script, waits="message", patience=60_000)
    assert manager.heard(within=0.3) == ("", 0)
    running.tell("ready")
    heard = [manager.heard() for _ in range(3)]
    assert heard == [(text, running.process.pid) for text in ("READY=1", SHORTEN, FEED)]


def test_until_the_check_of_ready_says_so_it_is_left_alone(
    app: Run, manager: Manager, directory: Path
) -> None:
    (directory / "ready-1e").touch()  # of an earlier life
    start(app, manager, directory, STAYS, waits="file", patience=60_000)
    assert manager.heard(within=0.3) == ("", 0)
    (directory / "ready-1f").touch()
    assert [manager.heard()[0] for _ in range(2)] == [SHORTEN, FEED]


def test_of_both_the_check_of_ready_is_the_last_word(
    app: Run, manager: Manager, directory: Path
) -> None:
    script = "process.send('ready'); console.log(process.env.NOTIFY_SOCKET);" + STAYS
    settings = {**HEALTH, "waits": "file", "wait_ready": True, "patience": 60_000}
    running = app(
        script,
        settings={"private": True, "health": settings},
        env={"RUNTIME_DIRECTORY": str(directory), "INVOCATION_ID": "1f", "NOTIFY_SOCKET": "/n"},
        notify=manager.theirs,
    )
    assert (running.said(), running.said()) == ("/n", "up")
    assert manager.heard()[0] == "READY=1"
    assert manager.heard(within=0.3) == ("", 0)
    (directory / "ready-1f").touch()
    assert [manager.heard()[0] for _ in range(2)] == [SHORTEN, FEED]


def test_one_whose_readiness_was_said_elsewhere_is_asked_when_the_start_is_over(
    app: Run, manager: Manager, directory: Path
) -> None:
    start(app, manager, directory, STAYS, waits="message", patience=300)
    assert [manager.heard()[0] for _ in range(2)] == [SHORTEN, FEED]


LAUNCHES = """
    const { spawn } = require('child_process');
    const child = spawn(process.execPath, ['-e', CHILD], { stdio: 'inherit' });
    child.on('exit', () => console.log('gone'));
    setInterval(() => {}, 1000);
"""


def test_a_launcher_does_not_feed_for_a_child_that_hangs(
    app: Run, manager: Manager, directory: Path
) -> None:
    child = json.dumps(
        "console.log('up'); process.stdin.once('data', () => { console.log('hanging'); for (;;); })"
    )
    running = start(app, manager, directory, f"const CHILD = {child};{LAUNCHES}")
    assert manager.is_fed()
    running.tell("hang")
    assert running.said() == "hanging"
    assert any(not manager.is_fed(within=1.2) for _ in range(5))  # what was on its way
    running.kill()
    assert "failed its health check" not in running.end()[2]  # the launcher leaves that to the app


def test_a_child_that_ends_is_not_missed(app: Run, manager: Manager, directory: Path) -> None:
    child = json.dumps("console.log('up'); setTimeout(() => {}, 300)")
    running = start(app, manager, directory, f"const CHILD = {child};{LAUNCHES}")
    assert running.said() == "gone"
    time.sleep(0.2)
    assert manager.is_fed()
    assert manager.heard() == (FEED, running.process.pid)


def test_other_children_have_no_connection_to_the_manager(
    app: Run, manager: Manager, directory: Path
) -> None:
    script = """
        const { spawn } = require('child_process');
        const child = spawn('/bin/sh', ['-c', 'ls -l /proc/self/fd; env']);
        child.stdout.on('data', (data) => process.stdout.write(data));
        child.on('close', () => process.exit());
        console.log('up');
    """
    variables = {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}
    running = start(app, manager, directory, script, env=variables)
    out = running.end()[1]
    ours = f"socket:[{os.fstat(manager.theirs.fileno()).st_ino}]"
    assert "INVOCATION_ID" in out
    assert ours not in out
    assert not any(f"{name}=" in out for name in variables)


@pytest.mark.parametrize("health", [{}, {"grace": 60_000, "patience": 60_000}])
def test_an_app_that_has_nothing_to_do_ends(
    app: Run, manager: Manager, directory: Path, health: dict[str, Any]
) -> None:
    begin = time.monotonic()
    running = start(
        app, manager, directory, "console.log('up'); setTimeout(() => {}, 200)", **health
    )
    assert running.end() == (0, "", "")
    assert time.monotonic() - begin < SECONDS / 2


@pytest.mark.parametrize("alone", [True, False])
def test_an_app_that_uses_cluster_itself_is_asked_by_its_primary(
    app: Run, manager: Manager, listening: Listening, directory: Path, *, alone: bool
) -> None:
    """At its address, if no other instance can answer there; else it asks its own event loop."""
    if not alone:
        (directory.parent / "web@1").mkdir()
    script = """
        const cluster = require('cluster');
        if (cluster.isPrimary) {
            cluster.fork();
            cluster.on('listening', () => console.log('up'));
        } else {
            require('http').createServer((request, response) => {
                response.statusCode = 500;
                response.end();
            }).listen(PORT);
        }
    """
    running = start(app, manager, directory, script, listening(), **HTTP)
    if alone:
        assert complains_of(running, "status 500")
        assert manager.heard(within=0.3) == ("", 0)
    else:
        assert manager.is_fed()
        running.kill()
        assert running.end()[2] == ""
