"""How full the file systems are that hold units, logs and the journal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The file system of a directory: bytes and inodes that this user may have, and had.

    ``inodes`` is 0 where the file system has no fixed number of them.
    """

    path: str
    size: int
    free: int
    inodes: int
    free_inodes: int
    read_only: bool


def file_systems(paths: Iterable[str]) -> tuple[FileSystem, ...]:
    """The file systems of some directories, or of what exists above them; each once."""
    found: dict[int, FileSystem] = {}
    for path in paths:
        there = _existing(path)
        try:
            device = os.stat(there).st_dev  # noqa: PTH116 (text in, text out)
            state = os.statvfs(there)
        except OSError:
            continue
        found.setdefault(
            device,
            FileSystem(
                there,
                state.f_blocks * state.f_frsize,
                state.f_bavail * state.f_frsize,
                state.f_files,
                state.f_favail,
                bool(state.f_flag & os.ST_RDONLY),
            ),
        )
    return tuple(found.values())


def _existing(path: str) -> str:
    while not os.path.lexists(path) and path not in ("/", ""):
        path = os.path.dirname(path)  # noqa: PTH120
    return path or "/"
