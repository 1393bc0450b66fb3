"""How often instances were restarted, where systemd has forgotten it.

systemd's NRestarts counts the automatic restarts since a unit was last started by hand, so a
``restart`` sets it to 0. PM2's users know a number that only ``reset`` sets back, and that counts
restarts by hand too: what NRestarts would lose is added up here, in the runtime directory, which
ends with the boot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pm2sd.systemd.durable import failure, replace
from pm2sd.systemd.paths import runtime_directory_text

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "restarts.json"


def automatic(active: str, counted: int) -> int:
    """The automatic restarts that took place, of a unit's ActiveState and NRestarts.

    NRestarts counts the restart that the start limit refused, too.
    """
    return max(0, counted - 1) if active == "failed" else counted


def load(directory: Path | None = None) -> dict[str, int]:
    """Restarts by unit, those in NRestarts left out. What is no such file counts for nothing."""
    try:
        # The list of apps comes this way: no pathlib (see paths).
        with open(f"{directory or runtime_directory_text()}/{_FILE}", "rb") as file:  # noqa: PTH123
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {unit: count for unit, count in found.items() if type(count) is int}


def add(counts: Mapping[str, int], directory: Path | None = None) -> None:
    """Add to the restarts of units. Raises Pm2sdError."""
    if any(counts.values()):
        known = load(directory)
        _save(
            known | {unit: known.get(unit, 0) + count for unit, count in counts.items()}, directory
        )


def forget(which: Callable[[str], bool], directory: Path | None = None) -> None:
    """Forget the restarts of some units. Raises Pm2sdError."""
    known = load(directory)
    left = {unit: count for unit, count in known.items() if not which(unit)}
    if left != known:
        _save(left, directory)


def _save(counts: Mapping[str, int], directory: Path | None) -> None:
    from pm2sd.systemd.paths import runtime_directory

    path = (directory or runtime_directory()) / _FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, json.dumps({unit: n for unit, n in counts.items() if n}).encode())
    except OSError as error:
        raise failure(error, "write", path) from error
