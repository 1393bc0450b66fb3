"""The preload for Node apps, kept beside the units, where upgrading pm2sd does not move it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pm2sd.ecosystem.app import App
from pm2sd.node import PRELOAD
from pm2sd.systemd.durable import failure, replace
from pm2sd.translate.node import PRELOAD_FILE, has_preload


def install(directory: Path, apps: Iterable[App]) -> None:
    """Write the preload to the unit directory if one of the apps needs it."""
    if not any(has_preload(app) for app in apps):
        return
    path = directory / PRELOAD_FILE
    current = PRELOAD.read_bytes()
    try:
        if not path.is_file() or path.read_bytes() != current:
            directory.mkdir(parents=True, exist_ok=True)
            replace(path, current)
            path.chmod(0o644)  # with --system the apps' users read it
    except OSError as error:
        raise failure(error, "write", path) from error
