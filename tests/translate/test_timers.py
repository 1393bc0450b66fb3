"""The units of ``cron_restart`` and ``schedule``."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.translate.timers import cron_restart, schedule
from pm2sd.translate.translation import translate
from pm2sd.units.model import AuxiliaryService, Mark, Service, Target, Timer

MARK = Mark(app="web", namespace="default", source="", version="1")


def app(**options: Any) -> App:
    return App(name="web", script="a.sh", command=("/a.sh",), cwd="/", **options)


def test_an_app_without_a_clock_has_no_timers() -> None:
    for add in (cron_restart, schedule):
        assert add(app(), MARK).units == ()


def test_the_instances_of_a_cron_restart_are_named() -> None:
    timer, service = cron_restart(app(cron_restart="0 3 * * *", instances=2), MARK).units
    assert isinstance(timer, Timer)
    assert isinstance(service, AuxiliaryService)
    assert timer.unit == service.name == "web:cron.service"
    assert "web@1.service" in str(service)
    assert not timer.persistent


def test_a_job_is_started_by_its_timer_alone_and_as_often_as_it_says() -> None:
    job = app(schedule="* * * * * *", cron_catch_up=True, autorestart=False)
    units = translate(job, systemd=252, unit_directory="/", manager_directory="/run", ids=[0]).units
    (target,) = (unit for unit in units if isinstance(unit, Target))
    (service,) = (unit for unit in units if isinstance(unit, Service))
    (timer,) = (unit for unit in units if isinstance(unit, Timer))
    assert target.wants == ("web:schedule.timer",)
    assert (timer.unit, timer.part_of, timer.persistent) == ("web@0.service", "web.target", True)
    assert (service.restart, service.start_limit_interval) == ("no", 0)


@pytest.mark.parametrize(
    ("pattern", "notes"),
    [
        ("0 0 13 * *", 0),
        ("0 0 13 * FRI", 1),
        ("0 0 */2 * FRI", 0),
        ("0 0 5/10 * *", 1),
        ("0 0 5/10 JAN/3 FRI", 2),
        ("5/10 0 1-9/2 * *", 0),
        ("@weekly", 0),
        ("2027-01-01T00:00:00", 0),
    ],
)
def test_where_pm2_reads_a_pattern_otherwise_it_is_said(pattern: str, notes: int) -> None:
    assert len(cron_restart(app(cron_restart=pattern), MARK).notes) == notes
