"""Real frameworks on the inherited socket: express, fastify, koa, ws, as their users write them."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from integration.nodes import FETCHED
from tests.node.harness import Listening, Run, Server

FRAMEWORKS = FETCHED / "frameworks" / "node_modules"

pytestmark = pytest.mark.skipif(
    not FRAMEWORKS.exists(), reason="integration/fetch-node.sh has not fetched the frameworks"
)

EXPRESS = """
    const app = require('express')();
    app.get('/', (request, response) => response.send('hello'));
    app.listen(PORT, () => console.log('listening'));
"""
EXPRESS_MODULE = """
    import express from 'express';
    const app = express();
    app.get('/', (request, response) => response.send('hello'));
    app.listen(PORT, () => console.log('listening'));
"""
FASTIFY = """
    const app = require('fastify')();
    app.get('/', async () => 'hello');
    app.listen({ port: PORT }).then(() => console.log('listening'));
"""
FASTIFY_EVERYWHERE = FASTIFY.replace("{ port: PORT }", "{ port: PORT, host: '0.0.0.0' }")
KOA = """
    const Koa = require('koa');
    new Koa().use((context) => { context.body = 'hello'; })
        .listen(PORT, () => console.log('listening'));
"""
WS = """
    const { WebSocketServer } = require('ws');
    new WebSocketServer({ port: PORT }, () => console.log('listening'))
        .on('connection', (one) => one.send('hello'));
"""


@pytest.fixture
def modules(tmp_path: Path) -> None:
    """The frameworks beside the script, where Node looks for them."""
    (tmp_path / "node_modules").symlink_to(FRAMEWORKS)


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize(
    ("script", "name"),
    [
        pytest.param(EXPRESS, "app.js", id="express"),
        pytest.param(EXPRESS_MODULE, "app.mjs", id="express, an ES module"),
        pytest.param(FASTIFY, "app.js", id="fastify"),
        pytest.param(FASTIFY_EVERYWHERE, "app.js", id="fastify, 0.0.0.0"),
        pytest.param(KOA, "app.js", id="koa"),
    ],
)
def test_a_framework_serves_on_the_socket_and_stops_in_peace(
    app: Run, listening: Listening, script: str, name: str
) -> None:
    server = listening()
    running = app(script.replace("PORT", str(server.port)), sockets=both(server), name=name)
    assert running.said() == "listening"
    with server.connect() as kept:
        kept.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer(kept).endswith(b"hello")
        running.process.send_signal(signal.SIGINT)
        code, _, problems = running.end()
    assert (code, problems) == (0, "")


@pytest.mark.usefixtures("modules")
def test_web_sockets_of_ws(app: Run, listening: Listening) -> None:
    server = listening()
    running = app(WS.replace("PORT", str(server.port)), sockets=both(server))
    assert running.said() == "listening"
    with server.connect() as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert answer(client).endswith(b"hello")
        assert running.end(signal.SIGINT) == (0, "", "")


def both(server: Server) -> dict[str, Server]:
    """The socket, as the unit of `listen: PORT` has it."""
    return {str(server.port): server}


def answer(client: socket.socket) -> bytes:
    """What comes until "hello"."""
    text = b""
    while not text.endswith(b"hello"):
        more = client.recv(4096)
        assert more, text
        text += more
    return text
