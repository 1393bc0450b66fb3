from __future__ import annotations

from typing import Any

import pytest

from pm2sd.ecosystem.declare import declare
from pm2sd.notes import Fidelity
from tests.ecosystem.resolving.world import World, about, node_of


@pytest.fixture(autouse=True)
def programs(world: World) -> None:
    world.program("node", "bash")
    world.write("app.js")


def test_nothing_is_watched_unless_it_is_said(world: World) -> None:
    for options in ({}, {"watch": False}, {"ignore_watch": ["logs"], "watch_delay": 100}):
        app = world.app(script="app.js", **options)
        assert (app.watched, app.ignore_watch, app.watch_delay) == ((), (), 0)


@pytest.mark.parametrize(
    ("written", "watched"),
    [
        (True, (".",)),
        ([], (".",)),
        ("src", ("src",)),
        ("my src", ("my src",)),
        (["src", "**/*.json", "!src/x"], ("src", "**/*.json", "!src/x")),
    ],
)
def test_what_is_watched(world: World, written: Any, watched: tuple[str, ...]) -> None:
    app = world.app(script="app.js", watch=written)
    assert (app.watched, app.watch_base) == (watched, app.cwd)


def test_options_of_chokidar(world: World) -> None:
    options = {
        "usePolling": True,
        "interval": "2s",
        "depth": 3,
        "awaitWriteFinish": {"stabilityThreshold": 500, "pollInterval": 100},
        "cwd": "..",
        "ignored": "**/*.log",
        "followSymlinks": None,
        "ignoreInitial": True,
    }
    app = world.app(script="app.js", watch=True, ignore_watch=["x"], watch_options=options)
    assert app.watch_options == {
        "usePolling": True,
        "interval": 2000,
        "depth": 3,
        "awaitWriteFinish": 500,
    }
    assert app.watch_base == app.cwd.rpartition("/")[0]
    assert app.ignore_watch == ("**/*.log",)


def test_the_stored_app_is_the_same(world: World) -> None:
    app = world.app(script="app.js", watch=["a", "b"], watch_options={"depth": 1})
    assert type(app).from_json(app.to_json()) == app


def test_it_says_that_the_default_stays(world: World) -> None:
    def notes(**options: Any) -> tuple[Any, ...]:
        return world.resolve(script="app.js", watch=True, **options).notes

    assert "node_modules stay unwatched" in about(notes(ignore_watch=["logs"]), "ignore_watch")
    ignored = {"ignored": ["logs"]}
    assert "node_modules stay" in about(notes(watch_options=ignored), "watch_options")
    assert notes() == ()


def test_a_regular_expression_in_vain_is_told_and_left_out(world: World) -> None:
    """PM2's own documentation writes this one."""
    options = {"watch": True, "ignore_watch": ["[\\/\\\\]\\./", "node_modules"]}
    resolved = world.resolve(script="app.js", **options)
    assert resolved.app is not None
    assert resolved.app.ignore_watch == ("node_modules",)
    (note,) = [note for note in resolved.notes if note.fidelity is Fidelity.NO_EFFECT]
    assert note.option == "ignore_watch"
    assert "stands for no path, here as in PM2" in note.text


def test_options_about_the_library_have_no_effect(world: World) -> None:
    resolved = world.resolve(
        script="app.js", watch=True, watch_options={"atomic": 300, "persistent": False}
    )
    assert "is set by atomic, persistent" in about(resolved.notes, "watch_options")


def test_a_watched_pattern_that_is_none_is_a_mistake(world: World) -> None:
    _, message, _ = world.problem(script="app.js", watch=["src", "(?!x)"])
    assert message == "watch: '(?!x)' is no pattern of paths: (? is not for path patterns"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"usePoling": True}, "usePoling"),
        ({"followSymlinks": "true"}, "followSymlinks: expected true or false"),
        ({"depth": -1}, "depth: expected a whole number from 0 to 1000; got -1"),
        ({"interval": 0}, "interval: expected milliseconds from 1"),
        ({"ignoreInitial": False}, "ignoreInitial: expected true"),
        ({"awaitWriteFinish": 5}, "awaitWriteFinish: expected true, false, or an object"),
        ({"ignored": {"a": 1}}, "ignored: expected a path or pattern"),
        ([], "expected an object of chokidar's options"),
    ],
)
def test_bad_options_are_refused_by_name(world: World, options: Any, text: str) -> None:
    app = {"script": "app.js", "watch": True, "watch_options": options}
    _, problems = declare(node_of(app), world.source)
    assert [text in problem.message for problem in problems] == [True]
