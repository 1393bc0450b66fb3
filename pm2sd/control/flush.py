"""Emptying logs: files are truncated, older lines of the journal are hidden from ``logs``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from pm2sd.ecosystem.app import App
from pm2sd.errors import Pm2sdError
from pm2sd.systemd import flushed, scope
from pm2sd.translate.logs import log_files, streams
from pm2sd.units import names
from pm2sd.units.model import JOURNAL


@dataclass(frozen=True, slots=True)
class Flushed:
    """What was done for one app: the files emptied, and whether it prints to the journal."""

    app: str
    files: tuple[str, ...]
    journal: bool


def flush(apps: Sequence[App]) -> list[Flushed]:
    """Empty the log files of apps and hide what the journal has of them.

    Programs append, so they go on at the new beginning. A file that does not exist yet is as empty
    as it can be. Raises Pm2sdError.
    """
    return [_flush(app) for app in apps]


def _empty(path: str) -> None:
    """Empty a file; with --system none that a link leads to, which root would empty for anybody."""
    follow = os.O_NOFOLLOW if scope.system else 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK | follow)
    try:
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _flush(app: App) -> Flushed:
    emptied = []
    for path in dict.fromkeys(path for _, path in log_files(app)):
        try:
            _empty(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Pm2sdError(
                f"cannot empty {path} of app {app.name!r}: {error.strerror}",
                hint=f"ls -l {quote(path)}",
            ) from error
        emptied.append(path)
    flushed.save(names.unit_name(app.name))  # whatever it prints: systemd's remarks are there
    logs = streams(app)
    return Flushed(app.name, tuple(emptied), JOURNAL in (logs.output, logs.error))
