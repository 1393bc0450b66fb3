"""Apps with ``health``, and the manager whose watchdog they feed."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

from tests.node.harness import SECONDS, App, Run, Server

FEED = "WATCHDOG=1"
SPAN = 5000
HEALTH: dict[str, Any] = {"every": 50, "timeout": 4000, "span": SPAN, "grace": 0, "patience": 0}
HTTP: dict[str, Any] = {"path": "/health", "host": "localhost"}
SHORTEN = f"WATCHDOG_USEC={SPAN * 1000}"

STAYS = "setInterval(() => {}, 1000); console.log('up');"
SERVES = """
    let status = 200;
    require('http').createServer((request, response) => {
        if (request.url === '/health') response.statusCode = status;
        response.end(() => {
            if (request.url !== '/hang') return;
            console.log('hanging');
            for (;;);
        });
        if (request.url === '/sick') status = 500;
        if (request.url === '/well') status = 200;
    }).listen(PORT, () => console.log('up'));
"""


class Manager:
    """The other end of the connection to the manager."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def heard(self, within: float = SECONDS) -> tuple[str, int]:
        """The next that it is told, and the pid of who said so; empty if nothing comes."""
        self.ours.settimeout(within)
        try:
            text, ancillary, _, _ = self.ours.recvmsg(256, socket.CMSG_SPACE(12))
        except TimeoutError:
            return "", 0
        return text.decode(), struct.unpack("=iii", ancillary[0][2])[0]

    def is_fed(self, within: float = SECONDS) -> bool:
        """Whether it is from now on."""
        self.ours.setblocking(False)
        try:
            while self.ours.recv(256):
                pass
        except BlockingIOError:
            pass
        return self.heard(within)[0] == FEED


def start(
    app: Run,
    manager: Manager,
    directory: Path,
    script: str,
    server: Server | None = None,
    env: dict[str, str] | None = None,
    **health: Any,
) -> App:
    listens = {f"127.0.0.1:{server.port}": server} if server else {}
    if server:
        script = f"const PORT = {server.port};{script}"
        health |= {"socket": 0, "address": f"127.0.0.1:{server.port}"}
    running = app(
        script,
        sockets=listens,
        settings={"private": True, "health": {**HEALTH, **health}},
        env={"RUNTIME_DIRECTORY": str(directory), "INVOCATION_ID": "1f", **(env or {})},
        notify=manager.theirs,
    )
    assert running.said() == "up"
    return running


def complains_of(running: App, problem: str) -> bool:
    """Whether it writes a line with the problem, sooner or later."""
    return any(problem in line for line in iter(running.complained, ""))
