from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ecosystem.resolving.world import World, about


@pytest.fixture(autouse=True)
def script(world: World) -> None:
    world.program("node")
    world.write("app.js")


def test_only_path_is_taken_from_the_caller(world: World) -> None:
    world.environ = {**world.environ, "SECRET": "x", "PWD": "/"}
    assert world.app(script="app.js").env == {"PATH": world.environ["PATH"]}


def test_the_file_overrides_path(world: World) -> None:
    assert world.app(script="app.js", env={"PATH": "/opt"}).env == {"PATH": "/opt"}


def test_named_variables_are_inherited_and_the_missing_ones_noted(world: World) -> None:
    world.environ = {**world.environ, "LANG": "de_DE", "TZ": "UTC"}
    resolved = world.resolve(
        script="app.js", inherit_env=["LANG", "TZ", "GONE", "OWN"], env={"TZ": "CET", "OWN": "1"}
    )
    assert resolved.app
    assert resolved.app.env == {
        "PATH": world.environ["PATH"],
        "LANG": "de_DE",
        "TZ": "CET",
        "OWN": "1",
    }
    assert about(resolved.notes, "inherit_env").endswith("not passed on: GONE")


def test_env_name_goes_over_env(world: World) -> None:
    options = {
        "script": "app.js",
        "env": {"A": "1", "B": "1"},
        "env_production": {"B": "2", "C": "2"},
    }
    assert {"A": "1", "B": "2", "C": "2"}.items() <= world.app("production", **options).env.items()
    assert "C" not in world.app(**options).env


def test_an_env_name_without_a_block_is_noted_with_the_nearest(world: World) -> None:
    resolved = world.resolve("prodution", script="app.js", env_production={"A": "1"})
    said = about(resolved.notes, "env_prodution")
    assert said.startswith("no effect")
    assert "did you mean --env production?" in said
    assert about(world.resolve(script="app.js").notes, "env_prodution") == ""


def test_port_goes_over_env_and_under_env_name(world: World) -> None:
    options = {"script": "app.js", "port": 3000, "env": {"PORT": 1}, "env_b": {"PORT": 2}}
    assert (world.app(**options).env["PORT"], world.app(**options).port) == ("3000", 3000)
    assert world.app("b", **options).env["PORT"] == "2"


@pytest.mark.parametrize(
    ("filter_env", "left"),
    [
        (["LA"], {"LC_ALL"}),
        (["L"], set()),
        (["X"], {"LANG", "LC_ALL"}),
        ("LANG", {"LC_ALL"}),
        ("LA", {"LANG", "LC_ALL"}),
        (True, set()),
        (False, {"LANG", "LC_ALL"}),
    ],
)
def test_filter_env_drops_inherited_variables_only(
    world: World, filter_env: object, left: set[str]
) -> None:
    world.environ = {**world.environ, "LANG": "C", "LC_ALL": "C"}
    app = world.app(
        script="app.js", inherit_env=["LANG", "LC_ALL"], filter_env=filter_env, env={"OWN_LA": "1"}
    )
    assert app.env.keys() - {"PATH"} == left | {"OWN_LA"}


def test_filter_env_true_drops_path_too_and_says_so(world: World) -> None:
    resolved = world.resolve(script="app.js", filter_env=True)
    assert resolved.app
    assert resolved.app.env == {}
    assert "PATH" in about(resolved.notes, "filter_env")


def test_secrets_are_kept_apart(world: World) -> None:
    world.environ = {**world.environ, "KEY": "inherited"}
    app = world.app(script="app.js", secrets={"KEY": "s3cret"}, inherit_env=["KEY"])
    assert app.secrets == {"KEY": "s3cret"}
    assert app.env.keys() == {"PATH"}
    assert "s3cret" not in str(app.written)


def test_a_name_in_env_and_in_secrets_is_a_problem(world: World) -> None:
    key, message, _ = world.problem(script="app.js", env={"A": "1"}, secrets={"A": "2", "B": "3"})
    assert (key, message) == ("apps[0].secrets.A", "A is in both env and secrets")


def test_python_is_told_not_to_buffer_unless_the_user_says_otherwise(world: World) -> None:
    world.program("python3")
    world.write("app.py")
    assert world.app(script="app.py").env["PYTHONUNBUFFERED"] == "1"
    own = world.app(script="app.py", env={"PYTHONUNBUFFERED": ""})
    assert own.env["PYTHONUNBUFFERED"] == ""
    secret = world.app(script="app.py", secrets={"PYTHONUNBUFFERED": ""})
    assert "PYTHONUNBUFFERED" not in secret.env
    assert "PYTHONUNBUFFERED" not in world.app(script="app.js").env


def test_variables_that_the_file_read_are_named(world: World) -> None:
    world.source = replace(world.source, env_read=("DB_HOST", "DB_PORT"))
    assert "DB_HOST, DB_PORT" in about(world.resolve(script="app.js").notes, "env")
