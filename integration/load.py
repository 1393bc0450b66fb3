"""Clients that ask HTTP servers again and again, and count how often they got no answer."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

TIMEOUT = 5.0
"""Seconds after which a client gives a request up: PM2 leaves some of a dying worker's hanging."""

CLIENTS = 3
"""How many ask one port at a time: while one hangs, the others still see what the port does."""


@dataclass(slots=True)
class Load:
    """What the clients of one port saw; times are those of time.monotonic().

    ``answered`` has when each answer came. ``failed`` has when each request without one *began*:
    it may have hung for TIMEOUT since then, for the fault of a server that is long gone.
    """

    port: int
    answered: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)

    def longest_gap(self) -> float:
        """The longest time without an answer, in seconds."""
        moments = sorted(self.answered)
        pairs = itertools.pairwise(moments)
        return max((later - earlier for earlier, later in pairs), default=float("inf"))

    def __str__(self) -> str:
        asked = len(self.answered) + len(self.failed)
        return (
            f"port {self.port}: {asked} requests, {len(self.failed)} failed, "
            f"{self.longest_gap():.2f} s without an answer at most"
        )


@contextmanager
def load(ports: Sequence[int], pause: float = 0.005) -> Iterator[list[Load]]:
    """CLIENTS for each port, with a connection per request, as long as the context lasts."""
    loads = [Load(port) for port in ports]
    over = threading.Event()
    clients = [threading.Thread(target=_ask, args=(one, over, pause)) for one in loads * CLIENTS]
    for client in clients:
        client.start()
    try:
        yield loads
    finally:
        over.set()
        for client in clients:
            client.join()


def _ask(one: Load, over: threading.Event, pause: float) -> None:
    while not over.wait(pause):
        connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=TIMEOUT)
        began = time.monotonic()
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            one.answered.append(time.monotonic())
        except (OSError, http.client.HTTPException):
            one.failed.append(began)
        finally:
            connection.close()
