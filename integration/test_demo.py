"""`examples/demo` and its four apps, as `make demo` runs them where no user manager answers."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from integration.harness import APPS, Pm2sd, Result, eventually, run
from pm2sd.systemd.paths import unit_directory

pytestmark = pytest.mark.skipif(
    not os.environ.get("PM2SD_SANDBOX"),
    reason="the demo's apps have fixed names and ports, which may be in use outside the sandbox",
)

ROOT = APPS.parents[1]
FILE = ROOT / "examples/tracking/ecosystem.yaml"


@pytest.fixture
def demo(pm2sd: Pm2sd) -> Iterator[Result]:
    """What the demo printed; its apps run."""
    try:
        yield run(ROOT / "examples/demo", timeout=200)
    finally:
        deleted = pm2sd("delete", FILE)
        assert deleted.exit_status == 0, deleted
        assert not list(unit_directory().glob("tracking*"))


def test_demo_shows_the_main_job(demo: Result, pm2sd: Pm2sd) -> None:
    assert demo.exit_status == 0, demo
    assert 'tracking counted: {"total":2,"ids":{"newsletter":2}}' in demo.stdout
    assert "tracking-server 1 listens on port 8611" in demo.stdout
    jlist = [row for row in pm2sd("jlist").json if row["name"].startswith("tracking")]
    online = [row["name"] for row in jlist if row["pm2_env"]["status"] == "online"]
    assert sorted(online) == [
        "tracking",
        "tracking-image",
        "tracking-server",
        "tracking-server",
        "tracking-ws",
    ]
    assert {row["name"]: row["pm2_env"]["restart_time"] for row in jlist} == dict.fromkeys(
        online, 0
    )


def test_demo_apps_work_together(demo: Result) -> None:
    assert demo.exit_status == 0, demo
    with socket.create_connection(("127.0.0.1", 8620), timeout=30) as connection:
        stream = connection.makefile("rb")
        assert handshake(connection, stream) == b"HTTP/1.1 101 Switching Protocols\r\n"
        visit(8610, "poster")
        stats: dict[str, dict[str, int]] = {}
        while "poster" not in stats.get("ids", {}):  # the connection's timeout is the deadline
            stats = json.loads(text_frame(stream))
        assert stats["ids"] == {"newsletter": 2, "poster": 1}

    picture = Path(os.environ["XDG_RUNTIME_DIR"]) / "tracking.png"
    assert eventually(lambda: picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"))


def visit(port: int, name: str) -> None:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/pixel.gif?id={name}", timeout=30
    ) as answer:
        assert answer.read().startswith(b"GIF89a")


def handshake(connection: socket.socket, stream: BinaryIO) -> bytes:
    """Opens the WebSocket and returns the status line; the accepting key is checked."""
    key = base64.b64encode(os.urandom(16))
    connection.sendall(
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    status: bytes = stream.readline()
    headers = dict(line.split(b": ", 1) for line in iter(stream.readline, b"\r\n"))
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    assert headers[b"Sec-WebSocket-Accept"].strip() == base64.b64encode(digest)
    return status


def text_frame(stream: BinaryIO) -> bytes:
    """The text of the next frame from the server, which is never masked."""
    first, length = stream.read(2)
    assert first == 0x81
    if length == 126:
        length = int.from_bytes(stream.read(2), "big")
    text: bytes = stream.read(length)
    return text
