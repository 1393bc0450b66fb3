"""Timing: one process from start to end, and two subjects in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import BinaryIO, Self, TypeVar

T = TypeVar("T")


class MeasuringFailed(Exception):
    """A subject did not do what was to be timed, so there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process that ended well: its milliseconds of time and of CPU time, and its stdout."""

    wall: float
    cpu: float
    output: str


class Started:
    """A process that was started; ``since`` is when, by ``time.perf_counter``.

    Both streams go to files (in memory): a pipe that is read late on a busy machine would be part
    of what is measured.
    """

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._command = command
        self._stdout = _memory_file()
        self._stderr = _memory_file()
        streams = [
            (os.POSIX_SPAWN_DUP2, self._stdout.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, self._stderr.fileno(), 2),
        ]
        self.since = time.perf_counter()
        self._pid = os.posix_spawnp(command[0], command, environment, file_actions=streams)

    def end(self) -> Run:
        """Wait for its end. Raises MeasuringFailed unless it exits with 0."""
        _, status, used = os.wait4(self._pid, 0)
        wall = time.perf_counter() - self.since
        output, complaint = _text(self._stdout), _text(self._stderr)
        if code := os.waitstatus_to_exitcode(status):
            last_lines = "\n".join((output + complaint).splitlines()[-15:])
            raise MeasuringFailed(f"{' '.join(self._command)}: exit status {code}\n{last_lines}")
        return Run(wall * 1e3, (used.ru_utime + used.ru_stime) * 1e3, output)


def _memory_file() -> BinaryIO:
    return os.fdopen(os.memfd_create("stream"), "r+b")


def _text(stream: BinaryIO) -> str:
    """Everything in a file, which is closed."""
    with stream:
        stream.seek(0)
        return stream.read().decode(errors="replace")


def in_turn(first: Callable[[], T], second: Callable[[], T], rounds: int) -> list[tuple[T, T]]:
    """What the two give, called alternately, after one call of each that does not count.

    What else the machine does meets both alike, and each pair is a few seconds apart at most.
    """
    first(), second()
    return [(first(), second()) for _ in range(rounds)]


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the ends of some numbers."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Self:
        """The spread of at least one number."""
        known = sorted(numbers)
        return cls(median(known), known[0], known[-1])
