"""What ``save`` wrote: the unit files of all apps as they were, and which units ran.

It is read by ``resurrect`` alone. What comes back at boot is what is enabled, with or without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from pm2sd.errors import Pm2sdError
from pm2sd.systemd.durable import failure, replace, sync_directory
from pm2sd.systemd.paths import state_directory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Texts of unit files by their path in the unit directory; the units that ran."""

    files: Mapping[str, str]
    running: frozenset[str]


def save(snapshot: Snapshot) -> Path:
    """Write it in place of the one before (mode 0600: it holds secrets), and say where."""
    path = _path()
    content = {"files": dict(snapshot.files), "running": sorted(snapshot.running)}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, json.dumps(content, indent=1).encode())
        sync_directory(path.parent.parent)
    except OSError as error:
        raise failure(error, "write", path) from error
    return path


def load() -> Snapshot | None:
    """What was saved; None if nothing was. Raises Pm2sdError for a file that is not pm2sd's."""
    path = _path()
    try:
        content = json.loads(path.read_bytes())
        files, running = content["files"], content["running"]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failure(error, "read", path) from error
    except (ValueError, KeyError, TypeError):
        raise Pm2sdError(
            f"{path} was not written by pm2sd", hint=f"rm {quote(str(path))}"
        ) from None
    return Snapshot(files, frozenset(running))


def clear() -> bool:
    """Forget what was saved; whether there was anything."""
    path = _path()
    try:
        path.unlink()
        sync_directory(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise failure(error, "remove", path) from error
    return True


def _path() -> Path:
    return state_directory() / "saved.json"
