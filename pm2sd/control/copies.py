"""Programs of ours kept beside the units, where upgrading pm2sd does not move them."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pm2sd.systemd.durable import failure, replace

_MODE: Final = 0o644
"""With --system the apps' users run them."""


def install(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write copies to the unit directory in the order of ``files``: from a path in it to the text.

    Raises Pm2sdError.
    """
    path = directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, current in files.items():
            path = directory / name
            for above in [*path.relative_to(directory).parents][-2::-1]:
                place = directory / above
                if not place.is_dir() or stat.S_IMODE(place.stat().st_mode) != 0o755:
                    place.mkdir(exist_ok=True)
                    place.chmod(0o755)
            if not _is_there(path, current):
                replace(path, current, _MODE)
    except OSError as error:
        raise failure(error, "write", path) from error


def remove(directory: Path, *names: str) -> None:
    """Remove copies that no app needs any more; what cannot be removed does no harm."""
    for name in names:
        with suppress(OSError):
            (directory / name).unlink(missing_ok=True)
        shutil.rmtree(directory / name, ignore_errors=True)


def _is_there(path: Path, current: bytes) -> bool:
    if not path.is_file() or path.read_bytes() != current:
        return False
    return stat.S_IMODE(path.stat().st_mode) == _MODE
