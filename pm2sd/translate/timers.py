"""What an app does by the clock: ``cron_restart`` and ``schedule``."""

from __future__ import annotations

import re

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.cron import Cron, is_cron, parse_cron
from pm2sd.notes import Fidelity, Note
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.translate.cron import on_calendar
from pm2sd.units import names
from pm2sd.units.model import AuxiliaryService, Mark, Timer

# Each restart counts as a start for StartLimitBurst=, so what was counted is forgotten first, and
# kept for `status` (systemd/restarts.py); but an instance that failed for good stays failed.
# try-restart passes over what does not run. What becomes of an instance is told by its own unit,
# not by this one.
_TRY_RESTART = """\
counts=${XDG_RUNTIME_DIR:-/run}/pm2sd/restarts
mkdir -p -m 700 "$counts"
for unit; do
  systemctl --user --quiet is-failed "$unit" && continue
  restarts=$(systemctl --user show --property=NRestarts --value "$unit")
  systemctl --user --quiet is-active "$unit" && restarts=$((restarts + 1))
  printf "%${restarts}s" "" >>"$counts/$unit"
  systemctl --user reset-failed "$unit" 2>/dev/null
done
systemctl --user try-restart "$@" || :
"""
_SYSTEM_TRY_RESTART = _TRY_RESTART.replace(" --user", "")


def cron_restart(app: App, mark: Mark) -> Auxiliary:
    """``NAME:cron.timer`` and the service it starts: running instances are restarted."""
    if app.cron_restart is None:
        return Auxiliary()
    service = AuxiliaryService(
        name=names.auxiliary(app.name, "cron", "service"),
        mark=mark,
        description=f"{app.name}: restart by cron_restart",
        slice=names.slice_name(app.name),
        exec_start=(
            (
                *("/bin/sh", "-c", _SYSTEM_TRY_RESTART if app.system else _TRY_RESTART),
                "pm2sd-cron",
                *(names.instance(app.name, number) for number in range(app.instances)),
            ),
        ),
    )
    timer = _timer(app, mark, "cron", app.cron_restart, service.name)
    return Auxiliary((timer, service), (timer.name,), _unlike_pm2(app.cron_restart))


def schedule(app: App, mark: Mark) -> Auxiliary:
    """``NAME:schedule.timer``, which starts the app's instance."""
    if app.schedule is None:
        return Auxiliary()
    timer = _timer(app, mark, "schedule", app.schedule, names.instance(app.name, 0))
    return Auxiliary((timer,), (timer.name,))


def _timer(app: App, mark: Mark, what: str, calendar: str, unit: str) -> Timer:
    return Timer(
        name=names.auxiliary(app.name, what, "timer"),
        mark=mark,
        description=f"{app.name}: {calendar}",
        part_of=names.target(app.name),
        on_calendar=_events(calendar),
        persistent=app.cron_catch_up,
        unit=unit,
    )


def _events(calendar: str) -> tuple[str, ...]:
    return on_calendar(parse_cron(calendar)) if is_cron(calendar) else (calendar.strip(),)


def _unlike_pm2(pattern: str) -> tuple[Note, ...]:
    """How croner 4, the clock of PM2, reads a pattern otherwise than cron does."""
    cron = parse_cron(pattern)
    texts = []
    if isinstance(cron, Cron) and cron.days.either:
        texts.append(
            "the app is restarted on the days of the month and on the weekdays, as cron does it; "
            "PM2 restarts it only on days that are both"
        )
    fields = pattern.split()
    if isinstance(cron, Cron) and any(re.search(r"(?:^|,)\w+/", field) for field in fields[-3:-1]):
        texts.append("in days and months 10/5 begins at 10, as cron does it; PM2 begins one later")
    return tuple(Note("cron_restart", Fidelity.APPROXIMATE, text) for text in texts)
