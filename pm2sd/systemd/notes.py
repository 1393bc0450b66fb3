"""Small notes in the runtime directory: they outlive a kill, and end with the boot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any

from pm2sd.errors import Pm2sdError
from pm2sd.systemd.durable import failure, replace


def load(path: Path, is_ours: Callable[[Any], bool], remedy: str) -> Any:
    """What a note says, None where there is none.

    Raises Pm2sdError for a file that pm2sd did not write; ``remedy`` is what to do once it is gone.
    """
    try:
        note = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failure(error, "read", path) from error
    except ValueError:
        note = None
    if not is_ours(note):
        raise Pm2sdError(
            f"{path} was not written by pm2sd", hint=f"rm {quote(str(path))}, then {remedy}"
        )
    return note


def save(path: Path, note: Any) -> None:
    """Write a note (mode 0600) in place of the one before. Raises Pm2sdError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, json.dumps(note, sort_keys=True).encode())
    except OSError as error:
        raise failure(error, "write", path) from error


def clear(path: Path) -> None:
    """Remove a note, which may be gone already. Raises Pm2sdError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise failure(error, "remove", path) from error
