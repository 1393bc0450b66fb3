"""``health`` by the watchdog: where the app is asked, and how."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.node.harness import Run
from tests.node.watched import HTTP, Manager, complains_of, start

KEY_AND_CERTIFICATE = Path(__file__).parents[1] / "tls" / "localhost.pem"

ANSWERS = """
    require('http').createServer((request, response) => {
        response.statusCode = request.url === '/health' ? 200 : 404;
        response.end();
    }).listen(WHERE, () => console.log('up'));
"""
ANSWERS_BY_TLS = """
    const pem = require('fs').readFileSync(PEM);
    require('https').createServer({ key: pem, cert: pem }, (request, response) => {
        response.statusCode = request.url === '/health' ? 200 : 404;
        response.end();
    }).listen(WHERE, () => console.log('up'));
""".replace("PEM", json.dumps(str(KEY_AND_CERTIFICATE)), 1)


def free_port(host: str) -> int:
    """A port of an address that nobody has."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "{port}"),
        ("::1", "{port}"),
        ("::1", "localhost:{port}"),
        ("::1", "[::1]:{port}"),
        ("127.0.0.2", "127.0.0.2:{port}"),
    ],
)
def test_an_address(app: Run, manager: Manager, directory: Path, host: str, address: str) -> None:
    port = free_port(host)
    script = ANSWERS.replace("WHERE", f"{port}, {json.dumps(host)}")
    start(app, manager, directory, script, address=address.format(port=port), **HTTP)
    assert manager.is_fed()


def test_a_path(app: Run, manager: Manager, directory: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    script = ANSWERS.replace("WHERE", json.dumps(path))
    start(app, manager, directory, script, address=path, **HTTP)
    assert manager.is_fed()


def test_each_instance_at_its_own_port(app: Run, manager: Manager, directory: Path) -> None:
    third = directory.rename(directory.with_name("web@3"))
    port = free_port("127.0.0.1")
    script = ANSWERS.replace("WHERE", str(port))
    start(app, manager, third, script, address=str(port - 3), numbered=True, **HTTP)
    assert manager.is_fed()


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1", "[::1]"])
def test_by_tls_whatever_the_certificate(
    app: Run, manager: Manager, directory: Path, host: str
) -> None:
    port = free_port("127.0.0.1")
    script = ANSWERS_BY_TLS.replace("WHERE", str(port))
    how: dict[str, Any] = {"path": "/health", "host": host, "tls": True}
    start(app, manager, directory, script, address=str(port), **how)
    assert manager.is_fed()


def test_by_tls_one_who_does_not_speak_it(app: Run, manager: Manager, directory: Path) -> None:
    port = free_port("127.0.0.1")
    script = ANSWERS.replace("WHERE", str(port))
    how = {**HTTP, "tls": True}
    running = start(app, manager, directory, script, address=str(port), **how)
    assert complains_of(running, "GET https://localhost/health: ")
    assert manager.heard(within=0.3) == ("", 0)
