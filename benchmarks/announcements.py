"""How an app of ``benchmarks/apps`` tells that it is there."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.measure import MeasuringFailed

PATIENCE = 30.0


class Announcements:
    """A fifo into which each new process writes its pid, so nothing has to be polled."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        # Open for writing as well: there is never an end of file, and a writer never waits.
        self._fifo = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._fifo)
        self.path.unlink()

    def next(self) -> int:
        """The pid of the next process; raises MeasuringFailed if none comes."""
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._fifo], [], [], PATIENCE)
            if not ready:
                raise MeasuringFailed(f"no new process was there after {PATIENCE:.0f} s")
            self._rest += os.read(self._fifo, 4096)
        line, _, self._rest = self._rest.partition(b"\n")
        return int(line)

    def wait_for(self, count: int) -> float:
        """When so many more processes are there, by ``time.perf_counter``."""
        for _ in range(count):
            self.next()
        return time.perf_counter()
