"""A small program under another name that runs pm2sd."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import join
from typing import Final

from pm2sd.errors import Pm2sdError

_MARK: Final = "# Written by pm2sd alias; pm2sd alias --remove takes it away."


def install(path: Path, command: Sequence[str], *, force: bool) -> None:
    """Write a program that runs ``command`` with its own arguments.

    Raises Pm2sdError where something else is there, without ``force``.
    """
    if os.path.lexists(path) and not is_ours(path) and not force:
        raise Pm2sdError(
            f"{path} is there already and is not pm2sd's",
            hint="leave it, or overwrite it with --force",
        )
    text = f'#!/bin/sh\n{_MARK}\nexec {join(command)} "$@"\n'
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text)
        new.chmod(0o755)
        new.replace(path)  # a link that was there is replaced, not written through
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise Pm2sdError(f"cannot write {path}: {error.strerror}") from error


def remove(path: Path) -> None:
    """Remove a program that ``install`` wrote. Raises Pm2sdError for anything else."""
    if not is_ours(path):
        there = "is not pm2sd's" if os.path.lexists(path) else "is not there"
        raise Pm2sdError(f"{path} {there}; nothing was removed")
    try:
        path.unlink()
    except OSError as error:
        raise Pm2sdError(f"cannot remove {path}: {error.strerror}") from error


def is_ours(path: Path) -> bool:
    """Whether ``install`` wrote a program."""
    try:
        with path.open("rb") as file:
            return file.read(256).split(b"\n")[1:2] == [_MARK.encode()]
    except OSError:
        return False


def first_in(directories: Iterable[str], name: str) -> Path | None:
    """The first program of a name in some directories, as a shell looks for it."""
    candidates = (Path(directory or ".") / name for directory in directories)
    return next((path for path in candidates if path.is_file() and os.access(path, os.X_OK)), None)
