"""Sockets, threads, and an end that lets requests be answered first."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingMixIn
from typing import Any, Final

_FIRST_DESCRIPTOR: Final = 3
BACKLOG: Final = 511
"""Connections that wait to be accepted, as with Node."""
GRACE_SECONDS: Final = 0.5
"""How long the end waits for connections on which nothing is asked: something may be on its way."""


class Server(ThreadingMixIn, BaseServer):
    """Accepts connections of one socket, each in a thread of its own."""

    daemon_threads = True

    def __init__(self, sock: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(sock.getsockname(), handler)
        self.socket = sock
        self.ending = False
        self._connections = 0
        self._requests = 0
        self._changed = threading.Condition()

    def fileno(self) -> int:
        """What to wait for connections on."""
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection; OSError where another process that shares the socket was quicker."""
        connection, address = self.socket.accept()
        with self._changed:
            self._connections += 1
        connection.setblocking(True)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address or ("", 0)

    def shutdown_request(self, request: Any) -> None:
        """Send what is left, and close a connection."""
        with suppress(OSError):  # the other side was first
            request.shutdown(socket.SHUT_WR)
        request.close()
        with self._changed:
            self._connections -= 1
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is nobody's mistake; anything else is told as Python does."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def busy(self, more: int) -> None:
        """Count a request that begins (1) or ends (-1)."""
        with self._changed:
            self._requests += more
            self._changed.notify_all()

    def finish(self) -> None:
        """Accept nothing more, and wait until what was asked is answered.

        Who was accepted may not have asked yet, and who was answered may ask once more: these have
        a moment for it, and are told then that it was the last.
        """
        self.ending = True
        self.shutdown()
        with self._changed:
            self._changed.wait_for(lambda: self._connections == 0, GRACE_SECONDS)
            self._changed.wait_for(lambda: self._requests == 0)


def inherited() -> list[socket.socket]:
    """The sockets that systemd hands over (sd_listen_fds(3)); none without."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_FIRST_DESCRIPTOR + number) for number in range(count)]


def listening(host: str, port: int) -> socket.socket:
    """A socket of our own. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)


def tell_ready() -> None:
    """Say that connections are accepted from now on, if somebody is to know (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            notify.send(b"READY=1")
