"""Changes below the watched paths, as the kernel tells of them."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from typing import Final, Protocol

from pm2sd.watch import inotify
from pm2sd.watch.inotify import Event, Inotify
from pm2sd.watch.rules import Root, Rules

PAUSE_SECONDS: Final = 0.05
"""How long events are let gather after the first: one that repeats itself is told once."""

_TOUCHED_SECONDS: Final = 1.0
_FULL: Final = (errno.ENOSPC, errno.ENOMEM)


class Changes(Protocol):
    """Where changes are learnt from."""

    def wait(self, seconds: float | None) -> list[str]:
        """The paths that matter and have changed, as soon as there are; none when time is up."""
        ...

    def size(self) -> str:
        """How much is watched, for people."""
        ...


class LimitReached(Exception):
    """The kernel has no more watches for this user; the message names the limit."""


class Tree:
    """The directories below the roots, each with a watch of one inotify instance.

    Directories that come to be are looked into at once. The directory above each root is watched
    for its name alone, so that a root may be replaced, or come to be only later.
    """

    def __init__(self, rules: Rules, *, follow: bool = True) -> None:
        """Look through the trees; ``follow`` goes through symbolic links. Raises LimitReached."""
        self._rules, self._follow = rules, follow
        self._paths: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._anchors: set[int] = set()
        try:
            self._inotify = Inotify()
        except OSError as error:
            raise _limit_reached("instances") from error
        try:
            for root in rules.roots:
                self._look_at(root, tell=False)
        except BaseException:
            self.close()
            raise

    def wait(self, seconds: float | None) -> list[str]:
        """See Changes. Raises LimitReached."""
        if not self._inotify.wait(seconds):
            return []
        time.sleep(PAUSE_SECONDS)
        changed: dict[str, None] = {}
        for event in self._inotify.read():
            changed.update(dict.fromkeys(self._changed_by(event)))
        return list(changed)

    def size(self) -> str:
        """The number of directories."""
        count = len(self._paths) - len(self._anchors)
        return "1 directory" if count == 1 else f"{count} directories"

    def close(self) -> None:
        """Give the watches back."""
        self._inotify.close()

    def _changed_by(self, event: Event) -> list[str]:
        if event.mask & inotify.OVERFLOW:
            return self._start_over()
        directory = self._paths.get(event.watch)
        if directory is None:
            return []
        if event.mask & inotify.IGNORED:
            return self._lost(event.watch, directory)
        if not event.name:
            return []
        path = os.path.join(directory, event.name)
        if event.mask & inotify.ATTRIB and (event.mask & inotify.ISDIR or not _is_touched(path)):
            return []
        found = [path] if self._rules.matters(path) else []
        if event.mask & (inotify.MOVED_FROM | inotify.DELETE):
            self._gone(path, event.mask)
        elif event.mask & (inotify.MOVED_TO | inotify.CREATE):
            found += self._come(path)
        return found

    def _start_over(self) -> list[str]:
        """Events were lost: what came to be meanwhile is found by looking at everything."""
        roots = self._rules.roots
        for root in roots:
            self._forget(root.path)
        for root in roots:
            self._look_at(root, tell=False)
        return [root.path for root in roots]

    def _gone(self, path: str, mask: int) -> None:
        watch = self._watches.get(path)
        if watch is None:
            return
        if mask & inotify.DELETE and mask & inotify.ISDIR:
            self._drop(watch)  # it was empty: nothing below it is watched
        else:
            self._forget(path)

    def _come(self, path: str) -> list[str]:
        """A name came to be: watch it if it is a directory; what matters in it."""
        if path in self._watches:
            self._forget(path)
        found = []
        for root in self._rules.roots:
            if root.path == path or root.path.startswith(f"{path}/"):
                found += self._look_at(root)
        if self._rules.descends(path) and (self._follow or not os.path.islink(path)):
            found += self._add(path)
        return found

    def _lost(self, watch: int, directory: str) -> list[str]:
        """A watch ended, as its directory was removed."""
        self._drop(watch)
        found = []
        for root in self._rules.roots:
            if root.path == directory or root.path.startswith(f"{directory}/"):
                found += self._look_at(root)
        return found

    def _look_at(self, root: Root, *, tell: bool = True) -> list[str]:
        """Watch a root, and the directory in which its name stands or will; what matters there."""
        found = self._add(root.path, tell=tell)
        mask = inotify.NAMES
        if os.path.lexists(root.path) and not os.path.isdir(root.path):
            mask = inotify.ALL
            found += [root.path] if self._rules.matters(root.path) else []
        above = root.path
        while above != "/":
            above = os.path.dirname(above)
            watch = self._watch(above, mask)
            if watch is not None:
                if watch not in self._paths:
                    self._remember(watch, above)
                    self._anchors.add(watch)
                break
            mask = inotify.NAMES
        return found

    def _add(self, top: str, *, tell: bool = True) -> list[str]:
        """Watch a directory and those below it; what is there already and matters, if asked."""
        found: list[str] = []
        pending = [top]
        while pending:
            directory = pending.pop()
            watch = self._watch(directory, inotify.ALL)
            # Known: another path led here, or a link leads back.
            if watch is None or (watch in self._paths and watch not in self._anchors):
                continue
            self._anchors.discard(watch)
            self._remember(watch, directory)
            with suppress(OSError), os.scandir(directory) as entries:
                for entry in entries:
                    if tell and self._rules.matters(entry.path):
                        found.append(entry.path)
                    if entry.is_dir(follow_symlinks=self._follow) and self._rules.descends(
                        entry.path
                    ):
                        pending.append(entry.path)
        return found

    def _watch(self, directory: str, mask: int) -> int | None:
        """The number of the watch of a directory; None where there is none that can be read."""
        try:
            return self._inotify.add(directory, mask)
        except OSError as error:
            if error.errno in _FULL:
                raise _limit_reached("watches") from error
            return None

    def _remember(self, watch: int, directory: str) -> None:
        self._paths[watch] = directory
        self._watches[directory] = watch

    def _drop(self, watch: int) -> None:
        directory = self._paths.pop(watch)
        self._anchors.discard(watch)
        if self._watches.get(directory) == watch:
            del self._watches[directory]

    def _forget(self, top: str) -> None:
        """End the watches of a directory that got another name, and of those below it."""
        start = f"{top}/"
        for directory, watch in list(self._watches.items()):
            if directory == top or directory.startswith(start):
                self._inotify.remove(watch)
                self._drop(watch)


def _is_touched(path: str) -> bool:
    """Whether a file's times were set to now; its mode or its links may have changed instead."""
    try:
        state = os.lstat(path)
    except OSError:
        return False
    return abs(state.st_ctime - state.st_mtime) < _TOUCHED_SECONDS


def _limit_reached(what: str) -> LimitReached:
    setting = f"fs.inotify.max_user_{what}"
    try:
        with open(f"/proc/sys/{setting.replace('.', '/')}") as file:
            limit = file.read().strip()
    except OSError:
        limit = "?"
    return LimitReached(
        f"this user's inotify {what} are used up ({setting} is {limit}; "
        f"sudo sysctl {setting}=524288 allows more)"
    )
