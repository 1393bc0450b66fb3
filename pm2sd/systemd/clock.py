"""The machine's clocks: when things were, where the one that people set was set since."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple, Self


class Moment(NamedTuple):
    """A moment as the machine's clocks tell it: microseconds of each, and the boot's id.

    ``realtime`` is since 1970, by the clock that people and NTP set; ``monotonic`` is by the one
    that nobody does, which begins anew with each boot.
    """

    realtime: int
    monotonic: int
    boot: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks now; ``asleep`` is for how many microseconds of this boot the machine slept."""

    now: Moment
    asleep: int

    @classmethod
    def read(cls) -> Self:
        """The clocks as they are."""
        monotonic, boottime, realtime = (
            time.clock_gettime_ns(clock) // 1000
            for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME, time.CLOCK_REALTIME)
        )
        return cls(Moment(realtime, monotonic, boot_id()), boottime - monotonic)

    def reckoned(self, moment: Moment) -> int:
        """When a moment was by the clock as it is set now, in microseconds since 1970.

        The monotonic clock stands still while the machine sleeps, and how long it had slept by
        then is not known: of the times that are possible it is the one nearest to what was noted.
        Another boot ended before this one began.
        """
        now = self.now
        if moment.boot != now.boot:
            return min(moment.realtime, now.realtime - now.monotonic - self.asleep)
        latest = now.realtime - (now.monotonic - moment.monotonic)
        return min(max(moment.realtime, latest - self.asleep), latest)


def boot_id() -> str:
    """The id of this boot as the journal has it; empty where the kernel does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip().replace("-", "")
    except OSError:
        return ""


def moved(realtime_usec: int, monotonic_usec: int) -> float:
    """By how many seconds the clock was set since a moment of this boot."""
    clocks = Clocks.read()
    then = Moment(realtime_usec, monotonic_usec, clocks.now.boot)
    return (clocks.reckoned(then) - realtime_usec) / 1e6
