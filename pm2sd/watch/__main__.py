"""The watcher's process; ``pm2sd.translate.watch`` writes its command line.

usage: python -m pm2sd.watch --app=NAME --base=DIRECTORY [--delay=MS] [--poll=MS] [--depth=N]
                             [--no-follow] [--no-globs] [--ignore=PATTERN]...
                             [--ignore-file=PATH]... -- PATH...

NAME is the app's, as in the names of its units. Restarts the app's instances whenever something
below the paths changes that is not ignored, and says so on standard output, with priorities as
systemd reads them (sd-daemon(3)).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from getopt import getopt
from typing import NamedTuple

from pm2sd.watch.pace import Pace
from pm2sd.watch.polling import Polling
from pm2sd.watch.restart import last_start, restart
from pm2sd.watch.rules import Rules
from pm2sd.watch.tree import LimitReached, Tree

_OPTIONS = (
    "app=",
    "base=",
    "delay=",
    "poll=",
    "depth=",
    "ignore=",
    "ignore-file=",
    "no-follow",
    "no-globs",
)
_SHOWN = 3
_FALLBACK_SECONDS = 2.0
_SAME_CLOCK = 0.5  # NTP moves it less while an app restarts


class Orders(NamedTuple):
    """The command line, read: seconds; ``poll`` is None where the kernel is to tell of changes."""

    app: str
    rules: Rules
    delay: float
    poll: float | None
    follow: bool


def orders(arguments: Sequence[str]) -> Orders:
    """What a command line asks for. Raises GetoptError, KeyError, ValueError."""
    pairs, paths = getopt(list(arguments), "", _OPTIONS)
    options = dict(pairs)
    rules = Rules.read(
        paths,
        [value for name, value in pairs if name == "--ignore"],
        files=[value for name, value in pairs if name == "--ignore-file"],
        base=options["--base"],
        depth=int(options["--depth"]) if "--depth" in options else None,
        globbing="--no-globs" not in options,
    )
    return Orders(
        app=options["--app"],
        rules=rules,
        delay=int(options.get("--delay", "0")) / 1000,
        poll=int(options["--poll"]) / 1000 if "--poll" in options else None,
        follow="--no-follow" not in options,
    )


class Watcher:
    """Learns of changes and restarts the app for them, until it is told to stop."""

    def __init__(self, wanted: Orders) -> None:
        """Look at everything once, so that from now on nothing is missed."""
        self._orders = wanted
        self._pace = Pace(wanted.delay)
        self._changes: Tree | Polling = self._polling() if wanted.poll else self._tree()

    def run(self) -> None:
        """For ever."""
        _tell_systemd(f"READY=1\nSTATUS=watching {self._changes.size()}")
        while True:
            due, now = self._pace.due, time.monotonic()
            if due is not None and due <= now:
                self._restart()
            else:
                self._learn(None if due is None else due - now)

    def _learn(self, seconds: float | None) -> None:
        paths = self._wait(seconds)
        if paths:
            self._pace.changed(paths, time.monotonic())

    def _restart(self) -> None:
        going_round, paths = self._pace.is_going_round, self._pace.take()
        what = self._shown(paths)
        if going_round:
            _say(
                4,
                f"{what} changed again right after a restart; if the app writes it, add it to "
                "ignore_watch. Restarts come slower until then",
            )
        set_by = _set_by()
        units = restart(self._orders.app)
        numbers = ", ".join(unit.removesuffix(".service").rpartition("@")[2] for unit in units)
        done = f"restarted instance {numbers}" if units else "no instance is to run"
        _say(5, f"{what} changed; {done}")
        self._pace.restarted(time.monotonic())
        # What changed before the new processes began is what they have read. The kernel notes the
        # time of a change by the clock that people set; if one did just now, it tells nothing.
        began = last_start(self._orders.app) + set_by
        late = self._wait(0)
        if abs(_set_by() - set_by) < _SAME_CLOCK:
            late = [path for path in late if _changed(path) > began]
        if late:
            self._pace.changed(late, time.monotonic())
        _tell_systemd(f"STATUS=watching {self._changes.size()}")

    def _wait(self, seconds: float | None) -> list[str]:
        try:
            return self._changes.wait(seconds)
        except LimitReached as reached:
            self._changes.close()
            self._changes = self._fall_back(reached)
            # What has changed is not known any more; that something has, is.
            return [self._orders.rules.roots[0].path]

    def _tree(self) -> Tree | Polling:
        try:
            return Tree(self._orders.rules, follow=self._orders.follow)
        except LimitReached as reached:
            return self._fall_back(reached)

    def _fall_back(self, reached: LimitReached) -> Polling:
        polling = self._polling()
        _say(4, f"{reached}; looking at {polling.size()} instead")
        return polling

    def _polling(self) -> Polling:
        interval = self._orders.poll or _FALLBACK_SECONDS
        return Polling(self._orders.rules, interval=interval, follow=self._orders.follow)

    def _shown(self, paths: Sequence[str]) -> str:
        names = ", ".join(self._orders.rules.shown(path) for path in paths[:_SHOWN])
        more = len(paths) - _SHOWN
        return f"{names} and {more} more" if more > 0 else names


def _changed(path: str) -> float:
    """When a path was changed last, or its directory where it is gone; seconds since 1970."""
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return 0.0 if path == "/" else _changed(os.path.dirname(path))


def _set_by() -> float:
    """By how many seconds the clock that people set is before the monotonic one."""
    return time.time() - time.monotonic()


def _say(priority: int, text: str) -> None:
    """Write a line for the journal. Names may hold what is no UTF-8."""
    sys.stdout.buffer.write(f"<{priority}>{text}\n".encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()


def _tell_systemd(state: str) -> None:
    """Send a notification of sd_notify(3), if systemd waits for any."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
        notify.send(state.encode())


if __name__ == "__main__":
    Watcher(orders(sys.argv[1:])).run()
