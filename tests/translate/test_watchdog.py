"""Which apps feed systemd's watchdog, and what they are told for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.options.checks import LEAST_PAUSE
from pm2sd.translate.translation import translate
from pm2sd.translate.watchdog import OPEN_FILE_SINCE, to_manager, watchdog
from pm2sd.units.render import render

MANAGER = "/run/user/1000"
HEALTH = {"interval": 10_000, "timeout": 3_000, "failures": 3, "grace": 0}


def app(**options: Any) -> App:
    values: dict[str, Any] = {
        "name": "web",
        "script": "/srv/web.js",
        "command": ("/usr/bin/node", "/srv/web.js"),
        "interpreter": "/usr/bin/node",
        "cwd": "/srv",
        "exec_mode": "fork",
        "health": HEALTH,
        **options,
    }
    return App(**values)


def limit(one: App, systemd: int = OPEN_FILE_SINCE) -> int | None:
    found = watchdog(one, systemd, MANAGER)
    return found.limit if found else None


def told(one: App) -> dict[str, object]:
    found = watchdog(one, OPEN_FILE_SINCE, MANAGER)
    assert found
    return dict(found.settings)


def text(one: App, systemd: int = OPEN_FILE_SINCE) -> dict[str, str]:
    made = translate(one, systemd=systemd, unit_directory="/u", manager_directory=MANAGER, ids=[0])
    return {file.path: file.text for file in map(render, made.units)}


def test_the_limit_is_interval_times_failures() -> None:
    assert limit(app()) == 30_000
    assert limit(app(health={**HEALTH, "failures": 1, "timeout": 9_999})) == 10_000


@pytest.mark.parametrize(
    ("options", "patience"),
    [
        ({"wait_ready": True, "listen_timeout": 7_000}, 7_000),
        ({"ready": {"log": "up"}, "listen_timeout": 8_000}, 8_000),
        ({"wait_ready": True, "ready": {"log": "up"}, "listen_timeout": 8_000}, 16_000),
        ({"health": {**HEALTH, "grace": 5_000}}, 5_000),
        (
            {"health": {**HEALTH, "grace": 5_000}, "wait_ready": True, "listen_timeout": 9_000},
            9_000,
        ),
    ],
)
def test_it_is_longer_by_what_a_start_may_take(options: dict[str, Any], patience: int) -> None:
    assert limit(app(**options)) == 30_000 + patience
    assert told(app(**options))["patience"] == patience


def test_what_the_app_says_in_a_way_of_its_own_is_let_through() -> None:
    assert "wait_ready" not in told(app(ready={"log": "up"}))
    assert told(app(ready={"log": "up"}, wait_ready=True))["wait_ready"] is True


@pytest.mark.parametrize("failures", [1, 2, 3, 10])
@pytest.mark.parametrize(("interval", "timeout"), [(200, 1), (2_000, 1_800), (10_000, 3_000)])
def test_the_last_answer_that_is_allowed_comes_in_time(
    interval: int, timeout: int, failures: int
) -> None:
    """All but the last of the questions may fail, and the last take its whole timeout."""
    one = app(health={"interval": interval, "timeout": timeout, "failures": failures, "grace": 0})
    every = told(one)["every"]
    assert isinstance(every, int)
    assert every >= LEAST_PAUSE
    assert failures * every + timeout <= interval * failures
    # And no more of them fit into it.
    assert (failures + 2) * every + timeout > interval * failures


@pytest.mark.parametrize(
    "options",
    [
        {"command": ("/usr/bin/python3", "a.py"), "interpreter": "/usr/bin/python3"},
        {"health": {**HEALTH, "command": "true"}},
        {"health": None},
        {"treekill": False},
        {"unit": {"Service": ("WatchdogSec=5",)}},
        {"unit": {"Service": ("WatchdogSignal=SIGABRT",)}},
        {"unit": {"Service": ("OpenFile=/srv/a",)}},
    ],
    ids=[
        "python",
        "command",
        "none",
        "main-process-only",
        "users-watchdog",
        "users-signal",
        "users-file",
    ],
)
def test_the_others_are_left_to_the_timer(options: dict[str, Any]) -> None:
    one = app(**options)
    assert limit(one) is None
    files = text(one)
    ours = files["web@.service"].replace("WatchdogSec=5", "").replace("WatchdogSignal=SIGABRT", "")
    assert "Watchdog" not in ours
    assert ("web:health.timer" in files) == (one.health is not None)


def test_an_older_systemd_has_the_timer() -> None:
    older = text(app(), OPEN_FILE_SINCE - 1)
    assert "web:health.timer" in older
    assert "Watchdog" not in older["web@.service"]
    assert "OpenFile" not in older["web@.service"]
    assert "web:health.timer" not in text(app())


def test_one_that_is_not_restarted_by_itself_is_so_for_its_health() -> None:
    assert "Restart=on-watchdog\n" in text(app(autorestart=False))["web@.service"]
    assert "Restart=no\n" in text(app(autorestart=False), 252)["web@.service"]


def test_scaling_changes_nothing_for_those_that_are_there() -> None:
    one = app(listen=("3000",), health={**HEALTH, "address": "3000", "numbered": False})
    assert text(one)["web@.service"] == text(replace(one, instances=5))["web@.service"]


@pytest.mark.parametrize("directory", ["/run/a b", "/run/a:b", "/run/%u", "run"])
def test_a_path_that_the_directive_cannot_hold_is_done_without(directory: str) -> None:
    assert watchdog(app(), 257, directory) is None
    assert to_manager(app(wait_ready=True), 257, directory) is None


def test_the_readiness_of_a_node_app_goes_the_same_way() -> None:
    ready = app(health=None, wait_ready=True)
    assert to_manager(ready, 257, MANAGER) == (
        "/run/user/1000/systemd/notify:pm2sd-notify:graceful"
    )
    assert to_manager(ready, 252, MANAGER) is None
    assert to_manager(app(health=None), 257, MANAGER) is None
    other = {"command": ("/bin/app",), "interpreter": "none"}
    assert to_manager(app(health=None, wait_ready=True, **other), 257, MANAGER) is None
