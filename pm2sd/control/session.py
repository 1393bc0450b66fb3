"""One command's hold on the machine: the manager, the unit directory, the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pm2sd.control import extra
from pm2sd.plan.stored import Stored, read_stored
from pm2sd.systemd.bus import Bus
from pm2sd.systemd.lock import apply_lock
from pm2sd.systemd.unit_files import UnitDirectory


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
    """A session that only looks. Raises NoUserManager."""
    with Bus.open() as bus:
        yield Session(bus, UnitDirectory())


@contextmanager
def changing(on_wait: Callable[[int | None], None] | None = None) -> Iterator[Session]:
    """A session that may change things: it holds the lock.

    ``on_wait`` is called with the holder's pid when another pm2sd is at work; what it leaves is
    seen by this session, since everything is read after the lock was taken. Extra instances that
    it left are taken away, one that is needed until the app is up again at the end.
    """
    with Bus.open() as bus, apply_lock(on_wait):
        extra.remove(bus)
        try:
            yield Session(bus, UnitDirectory())
        finally:
            extra.remove(bus)
