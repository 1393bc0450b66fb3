"""``NAME:watch.service``: the process that restarts an app when its files change."""

from __future__ import annotations

import sys
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.translate.logs import log_files
from pm2sd.units import names
from pm2sd.units.model import AuxiliaryService, Mark

POLL_MILLISECONDS: Final = 1000
"""How often files are looked at where ``usePolling`` comes without an ``interval``.

chokidar says 100, and takes a large tree's CPU for it.
"""


def watcher(app: App, mark: Mark) -> Auxiliary:
    """One process, whatever the number of instances; it stops with the app's target."""
    if not app.watched:
        return Auxiliary()
    name = names.auxiliary(app.name, "watch", "service")
    unit = AuxiliaryService(
        name=name,
        mark=mark,
        description=f"{app.name}: restart when files change",
        type="notify",
        part_of=names.target(app.name),
        slice=names.slice_name(app.name),
        exec_start=(command(app),),
        restart="on-failure",
        syslog_identifier=identifier(app.name),
    )
    return Auxiliary((unit,), (name,))


def identifier(app: str) -> str:
    """What the watcher's lines in the journal are found by."""
    return f"{names.unit_name(app)}:watch"


def command(app: App) -> tuple[str, ...]:
    """The watcher's command line, as pm2sd/watch/__main__.py reads it.

    -P: without it, ``python -m`` would look for its modules in the manager's directory first.
    """
    options = app.watch_options
    settle = options.get("awaitWriteFinish", 0)
    assert isinstance(settle, int)
    delay = max(app.watch_delay, settle)
    flags = [f"--app={names.unit_name(app.name)}", f"--base={app.watch_base}"]
    if delay:
        flags.append(f"--delay={delay}")
    if options.get("usePolling"):
        flags.append(f"--poll={options.get('interval', POLL_MILLISECONDS)}")
    if "depth" in options:
        flags.append(f"--depth={options['depth']}")
    if options.get("followSymlinks") is False:
        flags.append("--no-follow")
    if options.get("disableGlobbing"):
        flags.append("--no-globs")
    flags += [f"--ignore={pattern}" for pattern in app.ignore_watch]
    # Each line that the app prints would be a change.
    flags += [f"--ignore-file={path}" for path in dict.fromkeys(p for _, p in log_files(app))]
    return (sys.executable, "-P", "-m", "pm2sd.watch", *flags, "--", *app.watched)
