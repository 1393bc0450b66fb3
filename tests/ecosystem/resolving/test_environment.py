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
    world.source = replace(world.source, env_read=("*", "DB_HOST"))
    assert "read all variables through" in about(world.resolve(script="app.js").notes, "env")


def test_options_among_the_variables_are_told_to_be_none(world: World) -> None:
    options = {
        "script": "app.js",
        "env": {"autorestart": False, "PORT": 1, "port": 2, "name": "x", "listen": 3, "env_x": 4},
        "env_production": {"instances": 4, "max_memory_restart": "1G", "NODE_ENV": "production"},
    }
    resolved = world.resolve("production", **options)
    assert about(resolved.notes, "env").startswith("approximate: autorestart in env is a variable")
    assert "instances, max_memory_restart in env_production are variables" in about(
        resolved.notes, "env_production"
    )
    assert resolved.app
    assert resolved.app.env["max_memory_restart"] == "1G"
    assert about(world.resolve(**options).notes, "env_production") == ""
    assert about(world.resolve(script="app.js", env={"PORT": 1}).notes, "env") == ""


# env_file


def test_a_file_stands_below_everything_that_is_written(world: World) -> None:
    world.write(".env", "A=file\nB=file\nC=file\nD=file\nPORT=1\n")
    app = world.app(
        "production",
        script="app.js",
        env_file=".env",
        env={"A": "env", "B": "env"},
        env_production={"B": "block"},
        secrets={"C": "secret"},
        port=2,
    )
    assert app.env == {"PATH": world.environ["PATH"], "A": "env", "B": "block", "PORT": "2"}
    assert app.secrets == {"C": "secret", "D": "file"}


def test_later_files_win_and_stand_above_what_is_inherited(world: World) -> None:
    world.environ = {**world.environ, "LANG": "de_DE"}
    world.write("a.env", "A=1\nB=1\nLANG=C\n")
    world.write("conf/b.env", "B=2")
    app = world.app(
        script="app.js", env_file=["a.env", "conf/b.env", "-gone.env"], inherit_env=["LANG"]
    )
    assert app.secrets == {"A": "1", "B": "2", "LANG": "C"}
    assert "LANG" not in app.env


def test_what_pm2sd_itself_needs_of_a_file_is_no_secret(world: World) -> None:
    needed = {
        "PATH": "/opt",
        "NODE_ENV": "production",
        "PORT": "3000",
        "NODE_OPTIONS": "-r x",
        "N": "1",
    }
    text = "".join(f"{name}={value}\n" for name, value in needed.items())
    world.write(".env", f"{text}NODE_APP_INSTANCE=9\nX=1\n")
    app = world.app(script="app.js", env_file=".env", increment_var="N", exec_mode="cluster")
    assert app.env == needed
    assert app.secrets == {"X": "1"}
    assert app.listen == ("3000",)


def test_what_pm2sd_adds_to_is_no_secret(world: World) -> None:
    key, message, _ = world.problem(script="app.js", secrets={"NODE_OPTIONS": "-r x"})
    assert key == "apps[0].secrets.NODE_OPTIONS"
    assert message == "NODE_OPTIONS cannot be a secret: pm2sd adds its preload to it"


def test_mistakes_in_a_file_are_told_all_at_once_with_their_places(world: World) -> None:
    path = world.write(".env", "A=1\nnothing here\nmy.name=x\n 9=y\n")
    resolved = world.resolve(script="app.js", env_file=[".env", "missing.env"])
    assert [(str(one.where), one.message) for one in resolved.problems] == [
        (f"{path}:2:1", "this line assigns nothing"),
        (f"{path}:3:1", "no variable can be called 'my.name' here"),
        (f"{path}:4:2", "no variable can be called '9' here"),
        ("ecosystem.yaml: apps[0].env_file", f"no such file: {world.base}/missing.env"),
    ]
    assert resolved.problems[0].source == "nothing here"
    assert resolved.problems[1].source is None  # it may be a secret


def test_a_file_in_another_encoding_is_refused(world: World) -> None:
    path = world.write(".env", b"A=1\nB=\xe9\n")
    (problem,) = world.resolve(script="app.js", env_file=".env").problems
    assert (str(problem.where), problem.message) == (f"{path}:2:1", "the file is not UTF-8")
