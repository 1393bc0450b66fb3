"""The ends of log files, and what is added to them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 16
_READ: Final = 1 << 20


def backwards(descriptor: int, end: int) -> Iterator[bytes]:
    """The lines of a file before an offset, the last one first, without their newlines.

    Reads no more of the file than is asked for.
    """
    size, rest, position, newest = _BLOCK, b"", end, True
    while position > 0:
        size = min(size, position)
        position -= size
        block = os.pread(descriptor, size, position) + rest
        rest, newline, complete = block.partition(b"\n")
        if not newline:
            rest, size = block, size * 2  # a line longer than a block is not joined block by block
            continue
        lines = complete.split(b"\n")
        if newest and not lines[-1]:
            lines.pop()  # the last line's newline ends it, no further one begins
        newest = False
        yield from reversed(lines)
        size = _BLOCK
    if end > 0 and (rest or not newest):
        yield rest


class Tail:
    """A file that is read as it grows.

    A file that shrank was truncated and is read from its beginning; one that another has taken the
    place of is read to its end first, and then the other from its beginning. A line is given when
    its newline has come. A file need not exist yet.
    """

    __slots__ = ("_descriptor", "_offset", "_rest", "path", "refusal")

    def __init__(self, path: str) -> None:
        """Start at the end: behind the last complete line.

        ``refusal`` is why a file that is there could not be opened.
        """
        self.path = path
        self.refusal: str | None = None
        self._descriptor: int | None = None
        self._offset = 0
        self._rest = b""
        if self._open():
            self._offset = self._last_newline()

    def close(self) -> None:
        """Let go of the file; doing it again does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def changed(self) -> float | None:
        """When the file was last written to, in seconds since 1970; None without a file."""
        return None if self._descriptor is None else os.fstat(self._descriptor).st_mtime

    def history(self, *, partial: bool) -> Iterator[bytes]:
        """The lines that stand before the start, the last one first.

        ``partial`` adds an unfinished last line.
        """
        if self._descriptor is not None:
            end = os.fstat(self._descriptor).st_size if partial else self._offset
            yield from backwards(self._descriptor, end)

    def read(self) -> list[bytes]:
        """The lines that were completed since the last time."""
        lines = self._new_lines()
        if self._replaced():
            self.close()
            if self._rest:
                lines.append(self._rest)
            self._offset, self._rest = 0, b""
            if self._open():
                lines += self._new_lines()
        return lines

    def _new_lines(self) -> list[bytes]:
        if self._descriptor is None:
            return []
        size = os.fstat(self._descriptor).st_size
        if size < self._offset:
            self._offset, self._rest = 0, b""
        data = self._rest
        while self._offset < size:
            chunk = os.pread(self._descriptor, min(_READ, size - self._offset), self._offset)
            if not chunk:
                break
            self._offset += len(chunk)
            data += chunk
        *lines, self._rest = data.split(b"\n")
        return lines

    def _replaced(self) -> bool:
        """Whether the path leads to another file than the open one."""
        try:
            there = Path(self.path).stat()
        except OSError:
            return False
        if self._descriptor is None:
            return True
        here = os.fstat(self._descriptor)
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)

    def _open(self) -> bool:
        """Open the file; only a regular one has a past and can be read by somebody else too."""
        self.refusal = None
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            self.refusal = error.strerror
            return False
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def _last_newline(self) -> int:
        assert self._descriptor is not None
        end = os.fstat(self._descriptor).st_size
        position = end
        while position > 0:
            start = max(0, position - _BLOCK)
            found = os.pread(self._descriptor, position - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            position = start
        return 0
