"""What an apply has still to restart, remembered in case it is killed halfway.

The note names units and the moment it was made, in microseconds of CLOCK_MONOTONIC, the clock of
systemd's ``ExecMainStartTimestampMonotonic``: whatever started before that moment runs the old
configuration. It lives in the runtime directory, so it ends with the boot, as the clock does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pm2sd.systemd import notes
from pm2sd.systemd.paths import runtime_directory


def now() -> int:
    """The moment, in the clock of the note."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def load(directory: Path | None = None) -> dict[str, int]:
    """The units that must have started after a moment, and that moment; empty without a note.

    Raises Pm2sdError for a file that pm2sd did not write.
    """
    return notes.load(_path(directory), _is_ours, "restart what you changed") or {}


def save(units: Mapping[str, int], directory: Path | None = None) -> None:
    """Note what must be restarted, in place of the note before; it outlives a kill from here on."""
    notes.save(_path(directory), dict(units))


def clear(directory: Path | None = None) -> None:
    """Nothing is left to restart."""
    notes.clear(_path(directory))


def owe(units: Mapping[str, int]) -> None:
    """Note which units must have been started after which moment, and no others."""
    if units:
        save(units)
    else:
        clear()


def _is_ours(note: Any) -> bool:
    return isinstance(note, dict) and all(type(usec) is int for usec in note.values())


def _path(directory: Path | None) -> Path:
    return (directory or runtime_directory()) / "pending.json"
