"""Clients that never stop asking an HTTP server, and count what fails."""

from __future__ import annotations

import http.client
import threading
from abc import ABC, abstractmethod
from collections import Counter
from types import TracebackType
from typing import Self

SECONDS = 60.0


class Clients(ABC):
    """Something that asks a server from the beginning of a `with` block to its end."""

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    @abstractmethod
    def begin(self) -> None:
        """Start to ask."""

    @abstractmethod
    def end(self) -> None:
        """Ask no more, and wait until nobody does."""


class Load(Clients):
    """Threads that ask `GET /` until the end of the `with` block.

    `keep_alive` keeps a connection as long as the server does; else there is one per request.
    `failures` are the requests without a complete answer of status 200, `answers` counts the bodies
    of the others. A request that fails on a kept connection is a failure too: nothing is retried.
    """

    def __init__(self, port: int, *, clients: int = 8, keep_alive: bool = False) -> None:
        self.port = port
        self.keep_alive = keep_alive
        self.failures: list[str] = []
        self.answers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    @property
    def count(self) -> int:
        """How many requests were answered so far."""
        with self._lock:
            return self.answers.total()

    def begin(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop them, each after the request it has begun."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = self._connection()
        while not self._stop.is_set():
            try:
                connection.request("GET", "/", headers=self._headers())
                response = connection.getresponse()
                body = response.read().decode()
                problem = "" if response.status == 200 else f"status {response.status}"
            except (OSError, http.client.HTTPException) as error:
                body, problem = "", repr(error)
                connection.close()
                connection = self._connection()
            with self._lock:
                if problem:
                    self.failures.append(problem)
                else:
                    self.answers[body] += 1
            if not self.keep_alive:
                connection.close()
        connection.close()

    def _headers(self) -> dict[str, str]:
        return {} if self.keep_alive else {"Connection": "close"}

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
