"""inotify(7), through the C library.

The watching libraries of Python watch every directory of a tree and then drop what is ignored;
node_modules must not even be looked into.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

MODIFY: Final = 0x2
ATTRIB: Final = 0x4
MOVED_FROM: Final = 0x40
MOVED_TO: Final = 0x80
CREATE: Final = 0x100
DELETE: Final = 0x200
OVERFLOW: Final = 0x4000
IGNORED: Final = 0x8000
ONLYDIR: Final = 0x0100_0000
EXCL_UNLINK: Final = 0x0400_0000
MASK_ADD: Final = 0x2000_0000
ISDIR: Final = 0x4000_0000

NAMES: Final = MOVED_FROM | MOVED_TO | CREATE | DELETE | ONLYDIR | MASK_ADD
"""Names that come and go in a directory."""

ALL: Final = NAMES | MODIFY | ATTRIB | EXCL_UNLINK
"""Every change in a directory, its files' contents included."""

_HEADER: Final = struct.Struct("iIII")  # struct inotify_event without its name
_BUFFER: Final = 1 << 18
_READS: Final = 16


class Event(NamedTuple):
    """What happened to ``name`` in the directory of a watch."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One inotify instance. Methods raise OSError: ENOSPC and EMFILE are the kernel's limits."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._checked(self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify")
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def add(self, directory: str, mask: int) -> int:
        """Watch a directory; the number of the watch, the same for each path that leads there."""
        path = os.fsencode(directory)
        return self._checked(self._libc.inotify_add_watch(self._fd, path, mask), directory)

    def remove(self, watch: int) -> None:
        """End a watch; one that has ended by itself is as good."""
        self._libc.inotify_rm_watch(self._fd, watch)

    def wait(self, seconds: float | None) -> bool:
        """Whether there is something to read, at the latest after this time (None: whenever)."""
        return bool(self._poll.poll(None if seconds is None else max(0, seconds) * 1000))

    def read(self) -> Iterator[Event]:
        """What has happened so far, up to what the kernel's queue holds at most."""
        for _ in range(_READS):
            try:
                octets = os.read(self._fd, _BUFFER)
            except BlockingIOError:
                return
            at = 0
            while at < len(octets):
                watch, mask, _, length = _HEADER.unpack_from(octets, at)
                at += _HEADER.size
                yield Event(watch, mask, os.fsdecode(octets[at : at + length].rstrip(b"\0")))
                at += length

    def close(self) -> None:
        """End all watches."""
        os.close(self._fd)

    @staticmethod
    def _checked(result: int, path: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
        return result
