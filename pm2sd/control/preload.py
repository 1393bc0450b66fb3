"""The preload for Node apps beside the units."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pm2sd.control import copies
from pm2sd.ecosystem.app import App
from pm2sd.node import preload
from pm2sd.translate.node import PRELOAD_FILE, has_preload


def install(directory: Path, apps: Iterable[App]) -> None:
    """Write the preload to the unit directory if one of the apps needs it. Raises Pm2sdError."""
    if any(has_preload(app) for app in apps):
        copies.install(directory, {PRELOAD_FILE: preload().encode()})


def remove(directory: Path) -> None:
    """Remove it, when there is no app any more."""
    copies.remove(directory, PRELOAD_FILE)
