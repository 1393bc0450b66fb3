"""Many requests at once, by the Node client `apps/load.js`: what came back, event by event."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from integration.clients import Clients

CLIENT = Path(__file__).parent / "apps/load.js"


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no complete answer.

    `answered_by` is what was answered last on the same connection, empty for its first request;
    `began` is when it was sent, in seconds since 1970.
    """

    why: str
    answered_by: str
    began: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client saw in some time; `longest` in seconds."""

    answers: Counter[str]
    failures: tuple[Failure, ...]
    longest: float

    @property
    def sent(self) -> int:
        """How many requests have ended, well or not."""
        return self.answers.total() + len(self.failures)

    @classmethod
    def together(cls, parts: Iterable[Seen]) -> Self:
        """The sum of several."""
        known = list(parts)
        return cls(
            sum((one.answers for one in known), Counter[str]()),
            tuple(failure for one in known for failure in one.failures),
            max(one.longest for one in known),
        )


class Stampede(Clients):
    """A client that asks until the end of the `with` block, on so many connections at once.

    `keep_alive` keeps them as long as the server does; else there is one for each request.
    """

    def __init__(
        self, port: int, *, connections: int, keep_alive: bool, node: str = "node"
    ) -> None:
        kind = "keep" if keep_alive else "close"
        self._command = [node, str(CLIENT), str(port), str(connections), kind]

    def begin(self) -> None:
        """Start the process, which asks at once."""
        environment = {key: text for key, text in os.environ.items() if key != "NODE_OPTIONS"}
        self._process = subprocess.Popen(
            self._command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def end(self) -> None:
        """Have the process end."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def seen(self, more: int = 100) -> Seen:
        """What it saw since the last call, once so many more requests have ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{more}\n")
        told = json.loads(self._process.stdout.readline())
        failures = (
            Failure(one["why"], one.get("from", ""), one["began"] / 1000) for one in told["failed"]
        )
        return Seen(Counter(told["answered"]), tuple(failures), told["longest"] / 1000)
