"""What an app does by the clock, resolved."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.ecosystem.declare import declare
from pm2sd.notes import Fidelity
from tests.ecosystem.resolving.world import World, node_of


@pytest.fixture(autouse=True)
def script(world: World) -> None:
    world.program("bash")
    world.write("a.sh")


def test_a_restart_by_the_clock_is_not_caught_up_unless_asked(world: World) -> None:
    app = world.app(script="a.sh", cron_restart="@daily")
    assert (app.cron_restart, app.cron_catch_up, app.autorestart) == ("@daily", False, True)
    assert world.app(script="a.sh", cron="@daily", cron_catch_up=True).cron_catch_up


@pytest.mark.parametrize("off", [0, "0", "", None, False])
def test_what_turns_the_restart_off(world: World, off: Any) -> None:
    assert world.app(script="a.sh", cron_restart=off).cron_restart is None


@pytest.mark.parametrize("calendar", ["0 3 * * *", "Mon..Fri 09:30"])
def test_a_job_ends_and_is_caught_up(world: World, calendar: str) -> None:
    app = world.app(script="a.sh", schedule=calendar)
    assert (app.schedule, app.cron_catch_up, app.autorestart) == (calendar, True, False)
    assert not world.app(script="a.sh", schedule=calendar, cron_catch_up=False).cron_catch_up


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"schedule": "sometimes"}, "schedule", "neither a cron pattern nor a calendar event"),
        ({"schedule": "@daily", "instances": 2}, "instances", "one instance"),
        ({"schedule": "@daily", "instances": "max"}, "instances", "one instance"),
        ({"schedule": "@daily", "cron_restart": "@hourly"}, "cron_restart", "runs and ends"),
    ],
)
def test_what_does_not_go_together(
    world: World, options: dict[str, Any], key: str, message: str
) -> None:
    place, said, _ = world.problem(script="a.sh", **options)
    assert (place.rpartition(".")[2], message in said) == (key, True)


def test_what_has_no_effect_is_noted(world: World) -> None:
    alone = world.resolve(script="a.sh", cron_catch_up=True)
    job = world.resolve(script="a.sh", schedule="@daily", autorestart=True)
    assert [(note.option, note.fidelity) for note in (*alone.notes, *job.notes)] == [
        ("cron_catch_up", Fidelity.NO_EFFECT),
        ("autorestart", Fidelity.NO_EFFECT),
    ]


@pytest.mark.parametrize("option", ["cron_restart", "schedule"])
def test_a_bad_pattern_is_told_with_its_place(world: World, option: str) -> None:
    node = node_of({"script": "a.sh", option: "0 25 * * *"})
    _, (problem,) = declare(node, world.source)
    assert problem.where is not None
    assert problem.where.key.endswith(option)
    assert problem.message == f"{option}: the hour 25 is not within 0 to 23"
