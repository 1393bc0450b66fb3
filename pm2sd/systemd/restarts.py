"""How often instances were restarted, where systemd has forgotten it.

systemd's NRestarts counts the automatic restarts since a unit was last started by hand, so a
``restart`` sets it to 0. PM2's users know a number that only ``reset`` sets back, and that counts
restarts by hand, by the clock and by the watcher too. What NRestarts would lose is added up here:
for each unit a file as long as that number, in the runtime directory, which ends with the boot.
Whoever restarts a unit makes its file longer, with nobody to wait for: these commands here, and
each for itself the units of ``cron_restart`` (translate/timers.py) and the watcher
(watch/restart.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pm2sd.systemd.durable import failure
from pm2sd.systemd.paths import runtime_directory_text

if TYPE_CHECKING:
    from pathlib import Path

_DIRECTORY = "restarts"


def automatic(active: str, counted: int) -> int:
    """The automatic restarts that took place, of a unit's ActiveState and NRestarts.

    NRestarts counts the restart that the start limit refused, too.
    """
    return max(0, counted - 1) if active == "failed" else counted


def load(directory: Path | None = None) -> dict[str, int]:
    """Restarts by unit, those in NRestarts left out."""
    # The list of apps comes this way: no pathlib (see paths).
    try:
        with os.scandir(f"{directory or runtime_directory_text()}/{_DIRECTORY}") as entries:
            return {entry.name: entry.stat().st_size for entry in entries}
    except OSError:
        return {}


def add(counts: Mapping[str, int], directory: Path | None = None) -> None:
    """Add to the restarts of units. Raises Pm2sdError."""
    where = _path(directory)
    try:
        for unit, count in counts.items():
            if count:
                where.mkdir(mode=0o700, parents=True, exist_ok=True)
                with (where / unit).open("ab") as file:
                    file.write(b"." * count)
    except OSError as error:
        raise failure(error, "write", where) from error


def forget(which: Callable[[str], bool], directory: Path | None = None) -> None:
    """Forget the restarts of some units. Raises Pm2sdError."""
    where = _path(directory)
    try:
        for unit in filter(which, load(directory)):
            (where / unit).unlink(missing_ok=True)
    except OSError as error:
        raise failure(error, "remove", where) from error


def _path(directory: Path | None) -> Path:
    from pm2sd.systemd.paths import runtime_directory

    return (directory or runtime_directory()) / _DIRECTORY
