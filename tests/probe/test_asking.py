"""Questions to real servers."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pm2sd.probe.asking import Question, Unanswered, ask, is_alive, question
from pm2sd.probe.orders import orders

PATH = ["--path=/up?a=b", "--host=localhost:3000"]


@contextmanager
def serving(answer: bytes | None, host: str = "127.0.0.1") -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers one connection with this, or never; its port, and what it was asked."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    asked: list[bytes] = []
    over = threading.Event()

    def serve() -> None:
        try:
            client = server.accept()[0]
        except OSError:
            return
        with client:
            asked.append(client.recv(4096))
            if answer is None:
                over.wait(60)
            else:
                client.sendall(answer)

    with socket.create_server((host, 0), family=family) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], asked
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def put(what: Question, seconds: float = 30) -> None:
    ask(what, 1, 0, "/nowhere", seconds, seconds)


def told(words: list[str]) -> Question:
    return question(orders(words))


@pytest.mark.parametrize("status", ["200 OK", "204", "302 Found", "399 x"])
def test_a_good_answer(status: str) -> None:
    with serving(f"HTTP/1.1 {status}\r\n\r\n".encode()) as (port, asked):
        put(told([*PATH, "--", str(port)]))
    assert asked[0].startswith(b"GET /up?a=b HTTP/1.1\r\nHost: localhost:3000\r\n")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "status 503 Service Unavailable"),
        (b"HTTP/1.0 404\r\n\r\n", "status 404"),
        (b"SSH-2.0-OpenSSH\r\n", "no answer of HTTP"),
        (b"", "closed without an answer"),
        (None, "no answer within 0.2 s"),
    ],
)
def test_a_bad_answer(answer: bytes | None, why: str) -> None:
    with serving(answer) as (port, _), pytest.raises(Unanswered) as unanswered:
        put(told([*PATH, "--", f"127.0.0.1:{port}"]), 0.2 if answer is None else 30)
    assert str(unanswered.value) == f"GET http://localhost:3000/up?a=b: {why}"


def test_the_port_of_the_version_that_is_there() -> None:
    """An address without a host is asked by IPv4, then by IPv6."""
    with serving(b"HTTP/1.1 200 OK\r\n\r\n", "::1") as (port, _):
        put(told([*PATH, "--", f"localhost:{port}"]))


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1", "[::1]"])
def test_by_tls_whatever_the_certificate(host: str) -> None:
    known = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    known.load_cert_chain(Path(__file__).parents[1] / "tls" / "localhost.pem")
    asked: list[bytes] = []

    def serve() -> None:
        with known.wrap_socket(server.accept()[0], server_side=True) as client:
            asked.append(client.recv(4096))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        put(told(["--path=/up", f"--host={host}", "--tls", "--", str(port)]))
        thread.join()
    assert asked[0].startswith(f"GET /up HTTP/1.1\r\nHost: {host}\r\n".encode())


def test_by_tls_one_who_does_not_speak_it() -> None:
    with (
        serving(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _),
        pytest.raises(Unanswered, match=r"GET https://localhost/: .*wrong version number"),
    ):
        put(told(["--path=/", "--host=localhost", "--tls", "--", str(port)]))


def test_a_connection_alone_and_none() -> None:
    with serving(b"") as (port, _):
        put(told(["--", str(port)]))
    with pytest.raises(Unanswered, match=f"a connection to {port}: Connection refused"):
        put(told(["--", str(port)]))


def test_a_connection_that_nobody_accepts_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Unanswered, match=r"no answer within 0\.2 s"):
            put(told(["--", str(port)]), 0.2)


@pytest.mark.parametrize("banner", [b"", b"220 hello\r\n"])
def test_one_who_closes_at_once_has_accepted(banner: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            client, _ = server.accept()
            client.sendall(banner)
            client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        put(told(["--", str(port)]))
        thread.join()


def test_each_instance_has_its_own_port() -> None:
    with serving(b"") as (port, _):
        ask(told(["--numbered", "--", str(port - 3)]), 1, 3, "/nowhere", 30, 30)


def test_a_socket_that_nobody_serves_is_told_at_once() -> None:
    begin = time.monotonic()
    with pytest.raises(Unanswered, match="cannot be asked: No such file"):
        is_alive("/nowhere", 60)
    assert time.monotonic() - begin < 30
