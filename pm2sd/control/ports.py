"""Which TCP ports processes listen on, and whether they answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL_SECONDS = 0.02
_CONNECT_SECONDS = 1.0
_ACCEPT_SECONDS = 0.5
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = "0A"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - as shown


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A TCP address that something listens on, as the kernel shows it."""

    port: int
    host: str

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def answers(self) -> bool:
        """Whether a program accepts connections.

        That one comes about is not enough: systemd or the program may have the socket open, and
        nobody take connections from its queue.
        """
        host = _WILDCARDS.get(self.host, self.host)
        try:
            with socket.create_connection((host, self.port), _CONNECT_SECONDS):
                deadline = time.monotonic() + _ACCEPT_SECONDS
                while waiting := _queue(self.port):
                    if time.monotonic() > deadline:
                        break
                    time.sleep(_POLL_SECONDS)
                return not waiting
        except OSError:
            return False


def _queue(port: int) -> int:
    """How many connections to a port nobody has accepted yet (proc(5), /proc/net/tcp)."""
    waiting = 0
    for table in _TABLES:
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            _, local, _, state, queues, *_ = line.split()
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                waiting += int(queues.rpartition(":")[2], 16)
    return waiting


def with_children(pids: Iterable[int]) -> set[int]:
    """The processes and all their descendants, as far as they are alive."""
    found: set[int] = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            found |= {pid, *(child.pid for child in process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return found


def listening(pids: Iterable[int]) -> frozenset[Address]:
    """What these processes listen on; only this user's can be looked into."""
    wanted = set(pids)
    return frozenset(address for address, pid in _listeners() if pid in wanted)


def taken(addresses: Iterable[Address]) -> frozenset[Address]:
    """Those of the addresses on whose port anything listens, whoever it is."""
    ports = {address.port for address, _ in _listeners()}
    return frozenset(address for address in addresses if address.port in ports)


def _listeners() -> Iterator[tuple[Address, int | None]]:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            host, port = connection.laddr
            yield Address(port, host), connection.pid


def await_free(addresses: Iterable[Address], seconds: float) -> frozenset[Address]:
    """Wait until nothing listens on them any more; those on which something still does."""
    deadline = time.monotonic() + seconds
    while (left := taken(addresses)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return left


def await_answers(addresses: Iterable[Address], seconds: float) -> frozenset[Address]:
    """Wait until all of them answer; those that do not."""
    deadline = time.monotonic() + seconds
    left = frozenset(addresses)
    while (left := frozenset(a for a in left if not a.answers())) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return left
