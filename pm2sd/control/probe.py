"""The checks of apps beside the units."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pm2sd
from pm2sd import probe
from pm2sd.control import copies
from pm2sd.ecosystem.app import App
from pm2sd.systemd.paths import runtime_directory
from pm2sd.translate.checks import PROBE_DIRECTORY

_PACKAGE: Final = Path(pm2sd.__file__).parent
_PROBE: Final = Path(probe.__file__).parent


def install(directory: Path, apps: Iterable[App]) -> None:
    """Write them to the unit directory if one of the apps needs them: a directory to execute."""
    if not any(map(_needs, apps)):
        return
    sources = [_PACKAGE / "__init__.py", *sorted(_PROBE.glob("*.py"))]
    files = {f"{PROBE_DIRECTORY}/pm2sd/{one.relative_to(_PACKAGE)}": one for one in sources}
    files |= {f"{PROBE_DIRECTORY}/__main__.py": _PROBE / "__main__.py"}
    copies.install(directory, {name: source.read_bytes() for name, source in files.items()})


def remove(directory: Path) -> None:
    """Remove them, when there is no app any more."""
    copies.remove(directory, PROBE_DIRECTORY)


def _needs(app: App) -> bool:
    asked = app.ready or app.health or app.idle_timeout
    return bool(asked or app.alerts or app.webhook)


def forget(removed: Iterable[str]) -> None:
    """Forget which alarms were raised about apps whose timers went."""
    for path in removed:
        name, found, _ = path.partition(":alerts.timer")
        if found:
            (runtime_directory() / "alerts" / name).unlink(missing_ok=True)
