"""``ready``, ``health`` and ``idle_timeout``: whom they ask, and what cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ecosystem.resolving.world import World, about

CLUSTER = {"exec_mode": "cluster", "instances": 2, "port": 3000}


@pytest.fixture(autouse=True)
def script(world: World) -> None:
    world.program("node", "python3")
    world.write("app.js")
    world.write("app.py")


def ready(world: World, **options: Any) -> Any:
    return world.app(**{"script": "app.js", **options}).ready


@pytest.mark.parametrize(
    ("options", "address", "numbered"),
    [
        ({"port": 3000}, "3000", False),
        ({"env": {"PORT": 4000}}, "4000", False),
        ({"env": {"PORT": 4000}, "increment_var": "PORT", "instances": 3}, "4000", True),
        ({"listen": ["127.0.0.1:5000", 5001], "port": 3000}, "127.0.0.1:5000", False),
        ({"listen": "/run/x.sock"}, "/run/x.sock", False),
        (CLUSTER, "3000", False),
    ],
)
def test_a_path_is_asked_for_at_the_apps_own_port(
    world: World, options: dict[str, Any], address: str, numbered: bool
) -> None:
    found = ready(world, ready="/health", **options)
    assert found == {
        "path": "/health",
        "host": "localhost",
        "tls": False,
        "address": address,
        "numbered": numbered,
    }


def test_a_url_that_means_a_socket_of_the_app_is_asked_there(world: World) -> None:
    listen = ["127.0.0.1:5000", 5001]
    for url, address in (
        ("https://localhost:5000/a?b=c", "127.0.0.1:5000"),
        ("http://[::1]:5001", "5001"),
        ("http://localhost:9", "localhost:9"),
        ("http://[::1]", "[::1]:80"),
    ):
        assert ready(world, ready=url, listen=listen)["address"] == address
    found = ready(world, ready="https://localhost:5000/a?b=c", listen=listen)
    assert (found["path"], found["host"], found["tls"]) == ("/a?b=c", "localhost:5000", True)


def test_where_no_port_is_known_it_says_what_to_write(world: World) -> None:
    key, message, hint = world.problem(script="app.js", ready="/health")
    assert (key, message) == ("apps[0].ready", "ready: no port of the app is known")
    assert hint.startswith("write http: http://localhost:3000/health with the port")
    assert "tcp: 3000" in world.problem(script="app.js", health={"tcp": True})[2]


def test_an_answer_from_afar_could_be_any_instances(world: World) -> None:
    options = {"script": "app.js", "ready": "http://example.org:3000/"}
    assert world.app(**options).ready
    assert "may be answered by any" in world.problem(**options, **CLUSTER)[1]


def test_a_line_is_looked_for_where_it_is_the_instances_own(world: World) -> None:
    options: dict[str, Any] = {"script": "app.js", "ready": {"log": "up"}}
    assert world.app(**options).ready == {"log": "up"}
    assert world.app(**options, out_file="x.log").ready
    assert "no log" in world.problem(**options, disable_logs=True)[1]
    two = {**options, "instances": 2, "out_file": "x.log"}
    assert "merge_logs: false" in world.problem(**two, merge_logs=True)[2]
    assert world.app(**two, merge_logs=False).ready


def test_health_has_to_be_each_instances_own(world: World) -> None:
    python = {"script": "app.py", "health": "/health", "env": {"PORT": 4000}}
    assert world.app(**python, listen=3000).health
    assert world.app(**CLUSTER, script="app.js", health="/health").health
    assert world.app(**python, instances=2, increment_var="PORT").health
    for options in ({"listen": 3000}, {}, {"listen": 3000, "reuse_port": True}):
        key, message, hint = world.problem(**python, **options, instances=2)
        assert key == "apps[0].health"
        assert "answered by any of them" in message
        assert "WatchdogSec" in hint
    assert world.app(script="app.py", instances=2, listen=3000, health={"command": "true"}).health


def test_only_node_can_be_asked_without_saying_how(world: World) -> None:
    assert world.app(script="app.js", health=True).health
    assert world.app(script="app.js", health=False).health is None
    assert world.problem(script="app.py", health={"interval": "5s"})[1].startswith("only Node")


def test_idle_timeout_needs_one_instance_and_a_socket(world: World) -> None:
    options = {"script": "app.js", "idle_timeout": "10m"}
    assert world.app(**options, listen=3000).idle_timeout == 600_000
    for more, word in (
        ({}, "no socket"),
        ({"listen": 3000, "instances": 2}, "one instance"),
        ({"listen": 3000, "reuse_port": True}, "shared"),
        ({"listen": 3000, "schedule": "0 3 * * *"}, "clock"),
    ):
        key, message, _ = world.problem(**options, **more)
        assert key == "apps[0].idle_timeout"
        assert word in message
    notes = world.resolve(script="app.py", idle_timeout="10m", listen=3000).notes
    assert about(notes, "idle_timeout").startswith("approximate")
    assert not about(world.resolve(**options, listen=3000).notes, "idle_timeout")
