"""The checks of apps, kept beside the units, where upgrading pm2sd does not move them."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pm2sd
from pm2sd import probe
from pm2sd.ecosystem.app import App
from pm2sd.systemd.durable import failure, replace
from pm2sd.systemd.paths import runtime_directory
from pm2sd.translate.checks import PROBE_DIRECTORY

_PACKAGE: Final = Path(pm2sd.__file__).parent
_PROBE: Final = Path(probe.__file__).parent
_MODE: Final = 0o644
"""With --system the apps' users run them (on_failure)."""


def install(directory: Path, apps: Iterable[App]) -> None:
    """Write them to the unit directory if one of the apps needs them: a directory to execute."""
    if not any(map(_needs, apps)):
        return
    place = directory / PROBE_DIRECTORY
    sources = [_PACKAGE / "__init__.py", *_PROBE.glob("*.py")]
    files = {place / "pm2sd" / path.relative_to(_PACKAGE): path for path in sources}
    files[place / "__main__.py"] = _PROBE / "__main__.py"
    try:
        for below in (place, place / "pm2sd", place / "pm2sd" / _PROBE.name):
            below.mkdir(parents=True, exist_ok=True)
            below.chmod(0o755)
        for path, source in files.items():
            current = source.read_bytes()
            if not _is_there(path, current):
                replace(path, current, _MODE)
    except OSError as error:
        raise failure(error, "write", place) from error


def _is_there(path: Path, current: bytes) -> bool:
    if not path.is_file() or path.read_bytes() != current:
        return False
    return stat.S_IMODE(path.stat().st_mode) == _MODE


def _needs(app: App) -> bool:
    asked = app.ready or app.health or app.idle_timeout
    return bool(asked or app.alerts or app.webhook)


def forget(removed: Iterable[str]) -> None:
    """Forget which alarms were raised about apps whose timers went."""
    for path in removed:
        name, found, _ = path.partition(":alerts.timer")
        if found:
            (runtime_directory() / "alerts" / name).unlink(missing_ok=True)
