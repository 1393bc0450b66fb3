"""One command's hold on the machine: the manager, the unit directory, the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import quote

from pm2sd.control import extra
from pm2sd.plan.stored import Stored, read_stored
from pm2sd.systemd import pending, scope, trials
from pm2sd.systemd.bus import Bus
from pm2sd.systemd.lock import apply_lock
from pm2sd.systemd.unit_files import UnitDirectory
from pm2sd.systemd.unit_path import unread
from pm2sd.units import names


@dataclass(frozen=True, slots=True)
class Session:
    """The manager and the user's unit directory."""

    bus: Bus
    directory: UnitDirectory

    def stored(self) -> Stored:
        """The apps on disk, read afresh."""
        return read_stored(self.directory.read_managed())


@contextmanager
def session() -> Iterator[Session]:
    """A session that only looks. Raises NoUserManager, and Pm2sdError as ``changing`` does."""
    with Bus.open() as bus:
        yield _session(bus)


@contextmanager
def changing(say: Callable[[str], None] = lambda _: None) -> Iterator[Session]:
    """A session that may change things: it holds the lock.

    Another pm2sd that is at work is waited for; what it leaves is seen by this session, since
    everything is read after the lock was taken. What a killed one has left is mended first, but for
    an extra instance that is needed until the app is up again at the end. ``say`` tells the user.
    Raises Pm2sdError where the manager does not read the unit directory.
    """
    with Bus.open() as bus, apply_lock(lambda pid: say(_waiting(pid))):
        here = _session(bus)
        extra.remove(bus)  # whose name may be that of an instance which comes back
        _mend(here, say)
        try:
            yield here
        finally:
            extra.remove(bus)
            bus.take_in_links()


def _session(bus: Bus) -> Session:
    directory = UnitDirectory()
    if problem := unread(bus, directory.path):
        raise problem
    return Session(bus, directory)


def _waiting(pid: int | None) -> str:
    return f"waiting for another pm2sd{f' (pid {pid})' if pid else ''} to finish"


def _mend(here: Session, say: Callable[[str], None]) -> None:
    """Take back what was still on trial, and tell what has yet to be restarted."""
    if trials.load():
        from pm2sd.control.trial import take_back

        apps, failures = take_back(here)
        for app in apps:
            say(f"an apply was killed before {app} had come up: its unit files are as before")
        for one in failures:
            say(f"{names.display(one.unit)} {one.why}")
    if noted := pending.load():
        from pm2sd.control.running import owed

        for app, numbers in owed(here, noted).items():
            instances = ", ".join(f"{app}@{number}" for number in numbers)
            command = scope.here(f"pm2sd reload {quote(app)}")
            say(f"not restarted yet since an earlier apply: {instances}: {command}")
