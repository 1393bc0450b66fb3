"""What an app does by the clock: whether the options for it can be carried out together."""

from __future__ import annotations

from typing import Any

from pm2sd.ecosystem.cron import is_cron
from pm2sd.ecosystem.instances import count
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity


def by_the_clock(subject: Subject) -> dict[str, Any]:
    """The App's fields that the clock has a say in."""
    restart = subject.get("cron_restart", str)
    schedule = subject.get("schedule", str)
    catch_up = subject.get("cron_catch_up", bool)
    found: dict[str, Any] = {"cron_restart": restart, "schedule": schedule}
    if schedule is None:
        if catch_up and restart is None:
            subject.note("cron_catch_up", Fidelity.NO_EFFECT, "there is no cron_restart")
        return {**found, "cron_catch_up": bool(catch_up)}
    _check_schedule(subject, schedule)
    return {**found, "cron_catch_up": catch_up is not False, "autorestart": False}


def _check_schedule(subject: Subject, schedule: str) -> None:
    if not is_cron(schedule) and not subject.machine.is_calendar_event(schedule):
        subject.problem(
            "schedule",
            f"{schedule!r} is neither a cron pattern nor a calendar event of systemd",
            'write "0 3 * * *", or "Mon..Fri 09:30" as in man systemd.time',
        )
    if subject.get("cron_restart", str) is not None:
        subject.problem(
            "cron_restart",
            "an app with a schedule runs and ends; there is nothing to restart",
            "keep schedule or cron_restart",
        )
    if count(subject) > 1:
        subject.problem("instances", "an app with a schedule has one instance", "remove instances")
    if subject.get("autorestart", bool):
        subject.note("autorestart", Fidelity.NO_EFFECT, "an app with a schedule runs and ends")
