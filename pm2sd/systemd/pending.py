"""What an apply has still to restart, remembered in case it is killed halfway.

The note names units and the moment it was made, in microseconds of CLOCK_MONOTONIC, the clock of
systemd's ``ExecMainStartTimestampMonotonic``: whatever started before that moment runs the old
configuration. It lives in the runtime directory, so it ends with the boot, as the clock does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from pm2sd.errors import Pm2sdError
from pm2sd.systemd.durable import failure, replace
from pm2sd.systemd.paths import runtime_directory


def now() -> int:
    """The moment, in the clock of the note."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def load(directory: Path | None = None) -> dict[str, int]:
    """The units that must have started after a moment, and that moment; empty without a note.

    Raises Pm2sdError for a file that pm2sd did not write.
    """
    path = _path(directory)
    try:
        note = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise failure(error, "read", path) from error
    except ValueError:
        note = None
    if not isinstance(note, dict) or not all(type(usec) is int for usec in note.values()):
        raise Pm2sdError(
            f"{path} was not written by pm2sd", hint=f"rm {path}, then restart what you changed"
        )
    return note


def save(units: Mapping[str, int], directory: Path | None = None) -> None:
    """Note what must be restarted, in place of the note before; it outlives a kill from here on."""
    path = _path(directory)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, json.dumps(dict(units), sort_keys=True).encode())
    except OSError as error:
        raise failure(error, "write", path) from error


def clear(directory: Path | None = None) -> None:
    """Nothing is left to restart."""
    path = _path(directory)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise failure(error, "remove", path) from error


def _path(directory: Path | None) -> Path:
    return (directory or runtime_directory()) / "pending.json"
