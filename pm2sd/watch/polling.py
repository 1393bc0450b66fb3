"""Changes below the watched paths, found by looking again and again.

For file systems that tell nothing of changes made elsewhere (NFS, shared folders), and where the
kernel's watches are used up.
"""

from __future__ import annotations

import os
import stat
import time
from typing import Final

from pm2sd.watch.rules import Rules

SHARE: Final = 0.05
"""The part of one CPU's time that looking may take: the interval grows with the tree."""


class Polling:
    """What stood below the roots at the last look: a number for the state of each path."""

    def __init__(self, rules: Rules, *, interval: float, follow: bool = True) -> None:
        """Take a first look; later ones are ``interval`` seconds apart, or more."""
        self._rules, self._interval, self._follow = rules, interval, follow
        self._seen = self._look()
        self._next = self._time_of_next(0)

    def wait(self, seconds: float | None) -> list[str]:
        """The paths that matter and have changed, once there are; none when time is up."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            pause = self._next - time.monotonic()
            if end is not None and self._next > end:
                time.sleep(max(0, end - time.monotonic()))
                return []
            time.sleep(max(0, pause))
            before, start = self._seen, time.monotonic()
            self._seen = self._look()
            self._next = self._time_of_next(time.monotonic() - start)
            if changed := _differences(before, self._seen):
                return changed

    def size(self) -> str:
        """The number of paths and how often they are looked at."""
        return f"{len(self._seen)} files every {self._pause:g} s"

    def close(self) -> None:
        """Nothing is held."""

    def _time_of_next(self, took: float) -> float:
        self._pause = round(max(self._interval, took / SHARE), 1)
        return time.monotonic() + self._pause

    def _look(self) -> dict[str, int]:
        found: dict[str, int] = {}
        visited: set[tuple[int, int]] = set()
        for root in self._rules.roots:
            pending = [root.path]
            while pending:
                path = pending.pop()
                try:
                    state = os.stat(path, follow_symlinks=self._follow or path == root.path)
                except OSError:
                    continue
                is_directory = stat.S_ISDIR(state.st_mode)
                if self._rules.matters(path):
                    # A directory changes with what is in it, which is looked at anyway.
                    found[path] = hash(
                        (state.st_dev, state.st_ino, is_directory)
                        if is_directory
                        else (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size)
                    )
                identity = (state.st_dev, state.st_ino)
                if is_directory and identity not in visited and self._rules.descends(path):
                    visited.add(identity)
                    try:
                        pending += [os.path.join(path, name) for name in os.listdir(path)]
                    except OSError:
                        continue
        return found


def _differences(before: dict[str, int], after: dict[str, int]) -> list[str]:
    changed = [path for path, state in after.items() if before.get(path) != state]
    return changed + [path for path in before if path not in after]
