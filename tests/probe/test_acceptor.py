"""Who accepted a connection, as the kernel tells it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pm2sd.probe.acceptor import accepted, holds, instance_of


@pytest.fixture(params=["v4", "v6", "dual", "unix"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    if request.param == "unix":
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(tmp_path / "sock"))
        one.listen()
    elif request.param == "v4":
        one = socket.create_server(("127.0.0.1", 0))
    else:
        dual = request.param == "dual"
        one = socket.create_server(
            ("::" if dual else "::1", 0), family=socket.AF_INET6, dualstack_ipv6=dual
        )
    with one:
        yield one


def connect(server: socket.socket) -> socket.socket:
    if server.family == socket.AF_UNIX:
        client = socket.socket(socket.AF_UNIX)
        client.connect(server.getsockname())
        return client
    host, port, *_ = server.getsockname()
    return socket.create_connection(("127.0.0.1" if host == "::" else host, port))


def inode(one: socket.socket) -> int:
    return os.fstat(one.fileno()).st_ino


def test_it_is_known_who_accepted(server: socket.socket) -> None:
    with connect(server) as client:
        assert accepted(client) == 0
        with connect(server) as second, server.accept()[0] as first:
            assert accepted(client) == inode(first)
            assert accepted(second) == 0
            assert holds(iter([os.getpid()]), accepted(client))
            assert not holds(iter([1 << 22]), accepted(client))


def test_another_process_that_accepts_is_not_us(server: socket.socket) -> None:
    script = "import socket, sys; one = socket.socket(fileno=int(sys.argv[1])).accept(); input()"
    command = [sys.executable, "-c", script, str(server.fileno())]
    with (
        subprocess.Popen(command, pass_fds=[server.fileno()], stdin=subprocess.PIPE) as other,
        connect(server) as client,
    ):
        while not accepted(client):
            pass
        assert not holds(iter([os.getpid()]), accepted(client))
        assert holds(iter([os.getpid(), other.pid]), accepted(client))
        other.communicate(b"\n")


def test_what_is_elsewhere_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        server.accept()[0].close()
        assert client.recv(1) == b""
        client.shutdown(socket.SHUT_RDWR)
        with client, pytest.raises(OSError):  # noqa: PT011
            accepted(client)


def test_an_instance_is_all_that_is_in_its_control_group() -> None:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    groups = [line for line in lines if line.split(":")[1] in ("", "name=systemd")]
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            found = set(instance_of(os.getpid()))
            in_a_group = not all(line.endswith(":/") for line in groups)
            assert found >= ({os.getpid(), child.pid} if in_a_group else {os.getpid()})
        finally:
            child.kill()
