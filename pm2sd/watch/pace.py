"""When to restart: once things are quiet, and ever later for an app that changes itself. Pure.

Times are seconds of one clock, which the caller reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

QUIET: Final = 0.2
"""How long nothing must change before a restart, whatever ``watch_delay`` says."""

LONGEST: Final = 10.0
"""Where things never get quiet, a restart comes this long after the first change."""

SELF_MADE: Final = 2.0
"""The same change again, so soon after a restart for it, may well be the app's own doing."""

TOLERATED: Final = 3
"""So many of those in a row are nobody's editing."""

SLOWEST: Final = 60.0


class Pace:
    """Collects changes until it is time to restart for them."""

    def __init__(self, delay: float = 0) -> None:
        """``delay`` is the app's own, counted from the last change."""
        self._quiet = max(delay, QUIET)
        self._first: float | None = None
        self._last = 0.0
        self._paths: dict[str, None] = {}
        self._restarted: float | None = None
        self._restarted_for: frozenset[str] = frozenset()
        self._repeated = 0

    @property
    def due(self) -> float | None:
        """When the restart is to be; None as long as nothing has changed."""
        if self._first is None:
            return None
        due = min(self._last + self._quiet, self._first + max(LONGEST, self._quiet))
        if self.is_going_round and self._restarted is not None:
            pause = min(2.0 ** (self._repeated - TOLERATED), SLOWEST)
            due = max(due, self._restarted + pause)
        return due

    @property
    def is_going_round(self) -> bool:
        """Whether restarts follow each other as if the app changed what it is watched for."""
        return self._repeated > TOLERATED

    def changed(self, paths: Sequence[str], now: float) -> None:
        """Something changed."""
        if self._first is None:
            self._first = now
            soon = self._restarted is not None and now - self._restarted < SELF_MADE
            again = soon and not self._restarted_for.isdisjoint(paths)
            self._repeated = self._repeated + 1 if again else 0
        self._last = now
        self._paths.update(dict.fromkeys(paths))

    def take(self) -> list[str]:
        """What has changed since the last restart; it is time for the next."""
        paths, self._paths = list(self._paths), {}
        self._first, self._restarted_for = None, frozenset(paths)
        return paths

    def restarted(self, now: float) -> None:
        """The restart is over."""
        self._restarted = now
