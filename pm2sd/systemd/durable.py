"""Files that are whole or not there, whatever happens: written aside, synced, renamed."""

from __future__ import annotations

import errno
import os
import pwd
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pm2sd.errors import Pm2sdError

if TYPE_CHECKING:
    from pathlib import Path

_HINTS: Final = {
    errno.ENOSPC: "make room on that disk: df -h {where}",
    errno.EDQUOT: "your disk quota is used up: quota -s",
    errno.EROFS: "that file system is mounted read-only: findmnt -T {where}",
    errno.EACCES: "give it back to its owner: sudo chown -R {user}: {where}",
    errno.EPERM: "give it back to its owner: sudo chown -R {user}: {where}",
    errno.ENOTDIR: "a file stands where a directory should be",
    errno.EISDIR: "a directory stands where a file should be",
    errno.ENAMETOOLONG: "give the app a shorter name",
}


def write_synced(path: Path, data: bytes) -> None:
    """Create a file of mode 0600 (or empty an old one), write it and wait for the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until the disk has a directory's entries, so that renames in it outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes) -> None:
    """Give a file new contents at once. Raises OSError; then nothing is left beside it."""
    aside = path.with_name(f".{path.name}.new")
    try:
        write_synced(aside, data)
        aside.replace(path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise
    sync_directory(path.parent)


def failure(error: OSError, doing: str, where: Path) -> Pm2sdError:
    """Our error for one of the file system's, with what to do about it."""
    hint = _HINTS.get(error.errno or 0)
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return Pm2sdError(
        f"cannot {doing} {error.filename or where}: {error.strerror or error}",
        hint=hint.format(where=where, user=user) if hint else None,
    )
