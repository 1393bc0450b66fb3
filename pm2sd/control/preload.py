"""The preload for Node apps, kept beside the units, where upgrading pm2sd does not move it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pm2sd.ecosystem.app import App
from pm2sd.node import PARTS, PRELOAD
from pm2sd.systemd.durable import failure, replace
from pm2sd.translate.node import PRELOAD_FILE, has_preload


def install(directory: Path, apps: Iterable[App]) -> None:
    """Write the preload to the unit directory if one of the apps needs it.

    With --system the apps' users read it.
    """
    if not any(has_preload(app) for app in apps):
        return
    preload = directory / PRELOAD_FILE
    parts = preload.with_suffix("")
    # The parts first: what is there is loaded by apps that start meanwhile.
    files = {parts / part.name: part for part in sorted(PARTS.glob("*.cjs"))} | {preload: PRELOAD}
    path = parts
    try:
        if not parts.is_dir():
            parts.mkdir(parents=True)
            parts.chmod(0o755)
        for path, source in files.items():
            current = source.read_bytes()
            if not path.is_file() or path.read_bytes() != current:
                replace(path, current)
                path.chmod(0o644)
    except OSError as error:
        raise failure(error, "write", path) from error
