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
