"""Files that are whole or not there, whatever happens: written aside, synced, renamed."""

from __future__ import annotations

import errno
import os
import pwd
from contextlib import suppress
from shlex import quote
from typing import TYPE_CHECKING, Final

from pm2sd.errors import Pm2sdError

if TYPE_CHECKING:
    from pathlib import Path

_DENIED: Final = (errno.EACCES, errno.EPERM)
_HINTS: Final = {
    errno.ENOSPC: "make room on that disk: df -h {where}",
    errno.EDQUOT: "your disk quota is used up: quota -s",
    errno.EROFS: "that file system is mounted read-only: findmnt -T {where}",
    errno.ENOTDIR: "a file stands where a directory should be",
    errno.EISDIR: "a directory stands where a file should be",
    errno.ENAMETOOLONG: "give the app a shorter name",
}


def write_synced(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Create a file of this mode (or empty an old one), write it and wait for the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        if mode != 0o600:
            os.fchmod(descriptor, mode)  # whatever the umask
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


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Give a file new contents and a mode, at once.

    Raises OSError; then nothing is left beside it.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        write_synced(aside, data, mode)
        aside.replace(path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise
    sync_directory(path.parent)


def failure(error: OSError, doing: str, where: Path) -> Pm2sdError:
    """Our error for one of the file system's, with what to do about it."""
    return Pm2sdError(
        f"cannot {doing} {error.filename or where}: {error.strerror or error}",
        hint=_denied(where) if error.errno in _DENIED else _mended(error.errno or 0, where),
    )


def _mended(number: int, where: Path) -> str | None:
    """The hint for an error; the commands in it work with paths that exist."""
    there = where
    while not os.path.exists(there) and there != there.parent:  # noqa: PTH110 - it never raises
        there = there.parent
    hint = _HINTS.get(number)
    return hint.format(where=quote(str(there))) if hint else None


def _denied(where: Path) -> str:
    """How to get the rights on a path of one's own, and that HOME may be somebody else's."""
    home = os.environ.get("HOME", "")
    try:
        account = pwd.getpwuid(os.getuid())
    except KeyError:
        return f"give it to its owner: sudo chown -R {os.getuid()}: {quote(str(where))}"
    if home and home != account.pw_dir and where.is_relative_to(home):
        return f"HOME is {home}, not that of {account.pw_name}: export HOME={account.pw_dir}"
    if os.path.exists(where):  # noqa: PTH110
        return f"give it back to its owner: sudo chown -R {account.pw_name}: {quote(str(where))}"
    return f"make it for its owner: sudo install -d -o {account.pw_name} {quote(str(where))}"
