"""``on_failure``: a command for the shell, or a program that is found when it is applied."""

from __future__ import annotations

import pytest

from tests.ecosystem.resolving.world import World


@pytest.fixture(autouse=True)
def script(world: World) -> None:
    world.program("node")
    world.write("app.js")


def test_a_text_is_for_the_shell(world: World) -> None:
    app = world.app(script="app.js", on_failure="echo $PM2SD_APP | mail ada")
    assert app.on_failure == ("/bin/sh", "-c", "echo $PM2SD_APP | mail ada")


def test_a_list_is_a_program_and_its_arguments(world: World) -> None:
    curl = world.program("curl")
    own = world.write("bin/alarm", "#!/bin/sh\n", executable=True)
    assert world.app(script="app.js", on_failure=["curl", "a b"]).on_failure == (curl, "a b")
    assert world.app(script="app.js", on_failure=["bin/alarm"]).on_failure == (own,)
    assert world.app(script="app.js").on_failure == ()


def test_a_program_that_is_not_there_is_a_problem(world: World) -> None:
    world.write("plain.txt")
    for name in ("gone", "./plain.txt"):
        key, message, _ = world.problem(script="app.js", on_failure=[name])
        assert (key, message) == ("apps[0].on_failure", f"there is no program {name!r}")


def test_a_url_is_a_webhook(world: World) -> None:
    url = "https://hooks.example.org/a?b=c"
    for written in (url, {"url": url}, {"url": url, "headers": {}}):
        app = world.app(script="app.js", on_failure=written)
        assert (app.on_failure, app.webhook["url"]) == ((), url)
    headers = {"Authorization": "Bearer x"}
    app = world.app(script="app.js", on_failure={"url": url, "headers": headers})
    assert app.webhook == {"url": url, "headers": headers}


def test_alerts_are_told_to_notify_or_to_the_webhook_of_on_failure(world: World) -> None:
    url, other = "https://a.example/x", "https://b.example/y"
    told = [
        (url, {}, [], {"url": url}),
        (url, {"notify": other}, [], {"url": other}),
        (url, {"notify": "true"}, ["/bin/sh", "-c", "true"], {}),
        ("systemctl reboot", {}, [], {}),
    ]
    for on_failure, notify, command, webhook in told:
        app = world.app(script="app.js", on_failure=on_failure, alerts={"down": "2m", **notify})
        assert app.alerts == {"down": 120_000, "command": command, "webhook": webhook}


def test_alerts_are_bytes_and_milliseconds(world: World) -> None:
    alerts = {"restarts": "10/1h", "memory": "90%"}
    app = world.app(script="app.js", max_memory_restart="100M", alerts=alerts)
    assert app.alerts == {
        "restarts": 10,
        "within": 3_600_000,
        "memory": 90 * 1024**2,
        "command": [],
        "webhook": {},
    }
    assert world.app(script="app.js", alerts={"memory": "1G"}).alerts["memory"] == 1024**3


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ({"memory": "90%"}, "memory: without max_memory_restart there is", "set max_memory"),
        ({"down": "2m", "notify": ["gone"]}, "there is no program 'gone'", "write a text"),
    ],
)
def test_alerts_that_cannot_be_carried_out_are_a_problem(
    world: World, written: dict[str, object], message: str, hint: str
) -> None:
    key, said, hinted = world.problem(script="app.js", alerts=written)
    assert key.startswith("apps[0].alerts")
    assert said.startswith(message)
    assert (hinted or "").startswith(hint)
