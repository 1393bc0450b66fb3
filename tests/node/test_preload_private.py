"""The sockets that a Node app has for its checks alone."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from tests.node.harness import SECONDS, App, Listening, Run, Server

SERVER = """
    const server = require('http').createServer((request, response) => response.end(request.url));
    server.listen(PORT, () => console.log('listening'));
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A runtime directory whose sockets have longer paths than unix(7) allows."""
    path = tmp_path / ("x" * 100) / "pm2sd" / "probe" / "web@0"
    path.mkdir(parents=True)
    return path


def ask(directory: Path, name: str, request: bytes = b"") -> bytes:
    """What a socket answers; it is reached through the directory, as the checks do."""
    place = os.open(directory, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(SECONDS)
            client.connect(f"/proc/self/fd/{place}/{name}")
            client.sendall(request)
            return b"".join(iter(lambda: client.recv(4096), b""))
    finally:
        os.close(place)


def start(app: Run, directory: Path, server: Server, script: str, **settings: object) -> App:
    running = app(
        f"const PORT = {server.port};{script}",
        sockets={f"127.0.0.1:{server.port}": server},
        settings={"private": True, **settings},
        env={"RUNTIME_DIRECTORY": f"/run/user/1/other:{directory}"},
    )
    assert running.said() == "listening"
    return running


def test_each_server_on_a_socket_of_the_unit_answers_on_one_of_its_own(
    app: Run, listening: Listening, directory: Path
) -> None:
    (directory / "socket-0").touch()  # of an earlier run
    running = start(app, directory, listening(), SERVER)
    assert sorted(path.name for path in directory.iterdir()) == ["alive", "socket-0"]
    answer = ask(directory, "socket-0", b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"/up")
    assert ask(directory, "alive") == b"ok"
    status, _, _ = running.end(15)  # type: ignore[arg-type]
    assert status == 0


def test_a_plain_server_gets_the_connection_too(
    app: Run, listening: Listening, directory: Path
) -> None:
    script = """
        require('net').createServer((client) => client.end('hello'))
            .listen(PORT, () => console.log('listening'));
    """
    start(app, directory, listening(), script)
    assert ask(directory, "socket-0") == b"hello"


def test_nobody_answers_while_the_event_loop_stands(
    app: Run, listening: Listening, directory: Path
) -> None:
    start(app, directory, listening(), SERVER + "setTimeout(() => { for (;;); }, 50);")
    with pytest.raises(TimeoutError):  # noqa: PT012
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                place = os.open(directory, os.O_PATH)
                client.connect(f"/proc/self/fd/{place}/alive")
                os.close(place)
                assert client.recv(8) == b"ok"


def test_there_is_somebody_to_ask_while_a_launcher_starts_its_app(
    app: Run, listening: Listening, directory: Path
) -> None:
    """A launcher that found nobody would answer itself, for an app that hangs later on."""
    script = """
        const { spawn } = require('child_process');
        let left = 20;
        (function next() {
            if (!left--) return console.log('done');
            spawn(process.execPath, ['-e', ''], { stdio: 'inherit' }).on('exit', next);
        })();
        setInterval(() => {}, 1000);
        console.log('listening');
    """
    running = start(app, directory, listening(), script)
    place = os.open(directory, os.O_PATH)
    asked = 0
    done = threading.Thread(target=running.said)
    done.start()
    while done.is_alive():
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(f"/proc/self/fd/{place}/alive")
            except ConnectionRefusedError:
                continue  # an app ended, and none was started yet
            asked += 1
    os.close(place)
    assert asked > 0


def test_without_the_checks_there_are_none(app: Run, listening: Listening, directory: Path) -> None:
    start(app, directory, listening(), SERVER, private=False)
    assert list(directory.iterdir()) == []


def test_a_directory_that_is_not_there_does_the_app_no_harm(
    app: Run, listening: Listening, directory: Path
) -> None:
    directory.rmdir()
    server = listening()
    running = start(app, directory, server, SERVER)
    with server.connect() as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    _, _, said = running.end(15)  # type: ignore[arg-type]
    assert said.count("the checks cannot ask this process") == 1


def test_an_app_that_uses_cluster_itself_is_not_asked_for_its_workers(
    app: Run, listening: Listening, directory: Path
) -> None:
    """What its primary accepts for them it does not expect to be given."""
    script = """
        const cluster = require('cluster');
        if (cluster.isPrimary) {
            cluster.fork();
            cluster.on('listening', () => console.log('listening'));
        } else require('http').createServer((request, response) => response.end()).listen(PORT);
    """
    start(app, directory, listening(), script)
    assert [path.name for path in directory.iterdir()] == ["alive"]
    assert ask(directory, "alive") == b"ok"
