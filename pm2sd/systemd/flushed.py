"""When ``flush`` hid an app's journal: a line of its own cannot be taken out of the journal.

``$XDG_STATE_HOME/pm2sd/flushed/NAME`` holds the moment in microseconds since 1970, the clock of the
journal.
"""

from __future__ import annotations

import time
from pathlib import Path

from pm2sd.systemd.durable import failure, replace
from pm2sd.systemd.paths import state_directory


def load(unit_name: str) -> int:
    """The moment before which an app's journal is hidden; 0 if it never was, or cannot be read.

    0 also where it is still to come: the clock was set back, and what is said now must be seen.
    """
    try:
        moment = int(_path(unit_name).read_bytes())
    except (OSError, ValueError):
        return 0
    return moment if moment <= time.time_ns() // 1000 else 0


def save(unit_name: str) -> int:
    """Hide what is in the journal until now; that moment. Raises Pm2sdError."""
    now = time.time_ns() // 1000
    path = _path(unit_name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, b"%d\n" % now)
    except OSError as error:
        raise failure(error, "write", path) from error
    return now


def _path(unit_name: str) -> Path:
    return state_directory() / "flushed" / unit_name
