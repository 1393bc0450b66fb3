"""Rotation of log files: the timers of logrotate installed, kept up to date, and removed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pm2sd.control.session import Session
from pm2sd.control.settle import JOB_SECONDS
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.systemd import paths, scope
from pm2sd.systemd.bus import Job
from pm2sd.systemd.durable import failure, replace
from pm2sd.translate import rotation
from pm2sd.translate.rotation import Places, Settings
from pm2sd.units.mark import read_mark
from pm2sd.units.render import render

if TYPE_CHECKING:
    from pm2sd.plan.stored import Stored

_DIRECTORIES: Final = ("/usr/sbin", "/usr/bin", "/sbin", "/usr/local/sbin", "/usr/local/bin")


def installed(stored: Stored) -> Settings | None:
    """The settings that rotation runs with; None where it is not installed."""
    record = _record(stored)
    return Settings.stored(record) if record else None


def _record(stored: Stored) -> Mapping[str, str] | None:
    mark = read_mark(stored.rotation.get(rotation.BY_SIZE, ""))
    return mark.record if mark else None


def install(session: Session, settings: Settings) -> Places:
    """Have log files rotated from now on; where everything is.

    Raises Pm2sdError where there is no logrotate, and with --system: it would run as root in
    directories of others, which logrotate refuses.
    """
    if scope.system:
        raise Pm2sdError(
            "pm2sd has no log files rotated with --system",
            hint="write a file for /etc/logrotate.d, with copytruncate; or use the journal",
            code=ExitStatus.USAGE,
        )
    state = paths.state_directory()
    places = Places(
        _program(),
        str(state / "logrotate.conf"),
        str(state / "logrotate.state"),
        str(state / "logrotate.lock"),
    )
    stored = session.stored()
    _write_configuration(stored, settings, places)
    files = [render(unit, paths.overrides_directory()) for unit in rotation.units(settings, places)]
    wanted = {file.path: file.text for file in files}
    if wanted != stored.rotation:
        session.directory.write(wanted)
        session.bus.reload()
    session.bus.enable(rotation.TIMERS)
    jobs = [Job("restart" if wanted != stored.rotation else "start", t) for t in rotation.TIMERS]
    session.bus.run_jobs(jobs, JOB_SECONDS)
    return places


def remove(session: Session) -> bool:
    """Have no log files rotated any more; whether any were. What was rotated stays."""
    stored = session.stored()
    if not stored.rotation:
        return False
    record = _record(stored)
    jobs = [Job("stop", unit) for unit in (*rotation.TIMERS, rotation.BY_SIZE, rotation.BY_CLOCK)]
    session.bus.run_jobs(jobs, JOB_SECONDS)
    session.bus.disable(rotation.TIMERS)
    session.directory.remove(stored.rotation)
    session.bus.reload()
    if record:
        places = Places.stored(record)
        for path in (places.configuration, places.state, places.lock):
            Path(path).unlink(missing_ok=True)
    return True


def refresh(session: Session) -> None:
    """After apps came, changed or went: have their files rotated, if any are. Raises Pm2sdError."""
    stored = session.stored()
    record = _record(stored)
    if record:
        _write_configuration(stored, Settings.stored(record), Places.stored(record))


def _write_configuration(stored: Stored, settings: Settings, places: Places) -> None:
    path = Path(places.configuration)
    apps = [stored.apps[name].app for name in sorted(stored.apps)]
    data = rotation.configuration(apps, settings).encode(errors="surrogateescape")
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, data)
    except OSError as error:
        raise failure(error, "write", path) from error


def _program() -> str:
    """logrotate, which Debian keeps where the PATH of ordinary users does not lead."""
    places = [*os.environ.get("PATH", "").split(":"), *_DIRECTORIES]
    for directory in places:
        path = f"{directory}/logrotate"
        if directory.startswith("/") and os.access(path, os.X_OK):
            return path
    raise Pm2sdError(
        "logrotate, which rotates the files, is not installed",
        hint="sudo apt install logrotate (Debian, Ubuntu); sudo dnf install logrotate (Fedora)",
    )
