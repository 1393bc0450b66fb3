"""One change at a time: the lock that everything that changes units holds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pm2sd.systemd.durable import failure
from pm2sd.systemd.paths import runtime_directory


@contextmanager
def apply_lock(
    on_wait: Callable[[int | None], None] | None = None, directory: Path | None = None
) -> Iterator[None]:
    """Hold the lock of this user's apps, waiting for it as long as it takes.

    ``on_wait`` is called once, with the pid of the process that holds it (None: not known), if
    there is one to wait for. The kernel lets go of the lock when its holder dies, however it dies;
    the file stays and means nothing. ``directory`` is pm2sd's runtime directory.
    """
    path = (directory or runtime_directory()) / "lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise failure(error, "lock", path) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait:
                on_wait(_holder(descriptor))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> int | None:
    digits = os.pread(descriptor, 32, 0).strip()
    return int(digits) if digits.isdigit() else None
