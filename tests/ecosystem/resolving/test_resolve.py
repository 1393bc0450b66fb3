from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.resolve import resolve
from tests.ecosystem.resolving.world import World, about, node_of


@pytest.fixture(autouse=True)
def programs(world: World) -> None:
    world.program("node", "bash", "sh", "npm")
    world.write("app.js")


def test_an_app_of_a_script_alone(world: World) -> None:
    app = world.app(script="./app.js")
    assert (app.name, app.namespace, app.cwd) == ("app", "default", world.base)
    assert (app.exec_mode, app.instances, app.merge_logs) == ("fork", 1, True)
    assert (app.max_restarts, app.min_uptime, app.kill_timeout) == (16, 1000, 1600)
    assert app.source == f"{world.base}/ecosystem.yaml"
    assert app.written == {"script": "./app.js"}


def test_values_are_passed_on_and_what_was_written_is_kept(world: World) -> None:
    app = world.app(
        script="app.js",
        name="api",
        namespace="back",
        max_memory_restart="300M",
        minUptime="10s",
        stop_exit_codes=[0, 3],
        autorestart=False,
        env={"A": "1"},
        env_production={"A": "2"},
    )
    assert (app.name, app.namespace, app.autorestart) == ("api", "back", False)
    assert (app.max_memory_restart, app.min_uptime) == (300 * 1024**2, 10_000)
    assert app.stop_exit_codes == (0, 3)
    assert app.written == {
        "script": "app.js",
        "name": "api",
        "namespace": "back",
        "max_memory_restart": "300M",
        "min_uptime": "10s",
        "stop_exit_codes": [0, 3],
        "autorestart": False,
    }


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("lib/server.main.js", "server.main"),
        ("./service/", "service"),
        ("node bin/www", "www"),
        ("npm run start:prod", "npm run start:prod"),
        ("A=1 node dist/server.js", "server"),
        (".hidden", ".hidden"),
    ],
)
def test_the_name_comes_from_the_script(world: World, script: str, name: str) -> None:
    for path in ("lib/server.main.js", "service/index.js", ".hidden"):
        world.write(path)
    assert world.app(script=script).name == name


def test_append_env_to_name(world: World) -> None:
    options = {"script": "app.js", "append_env_to_name": True, "env_prod": {}}
    assert world.app("prod", **options).name == "app-prod"
    assert world.app(**options).name == "app"


def test_two_apps_of_one_name_are_a_problem_with_both_places(world: World) -> None:
    resolved = world.resolve_all(
        {"script": "app.js", "name": "registry"},
        {"script": "app.js"},
        {"script": "app.js", "name": "registry", "port": 1},
    )
    (problem,) = resolved.problems
    assert problem.message == (
        "another app is called 'registry' already: ecosystem.yaml: apps[0].name"
    )
    assert problem.where
    assert problem.where.key == "apps[2].name"
    assert problem.hint
    assert "instances: 2" in problem.hint


def test_apps_come_with_their_own_notes_and_all_problems_together(world: World) -> None:
    resolved = world.resolve_all(
        {"script": "gone.js", "uid": "www-data"},
        {"script": "npm start", "args": "-x"},
        {"name": "bad", "script": "app.js", "cwd": "gone"},
    )
    ((app, notes),) = resolved.apps
    assert app.name == "npm start"
    assert about(notes, "args").startswith("better")
    keys = [problem.where and problem.where.key for problem in resolved.problems]
    assert keys == ["apps[0].uid", "apps[0].script", "apps[2].cwd"]


@pytest.mark.parametrize(
    "broken",
    [
        {"script": 5},
        {"script": "app.js", "cwd": 5},
        {"script": "app.js", "interpreter": True},
        {"env": {}},
    ],
)
def test_what_reading_refused_is_not_told_again(world: World, broken: dict[str, Any]) -> None:
    declared, problems = declare(node_of(broken), world.source)
    assert problems
    resolved = resolve(declared, machine=world, base=world.base, source=world.source)
    assert (resolved.app, resolved.problems) == (None, ())


_TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)
_PARTS = st.sampled_from(["app.js", "npm", "node", ".", "..", "/", "~", " ", "node@", "$X", "none"])


@given(
    options=st.fixed_dictionaries(
        {"script": _TEXT | st.lists(_PARTS, min_size=1).map("".join)},
        optional={
            "cwd": st.sampled_from(["", ".", "..", "~", "/"]) | _TEXT,
            "interpreter": _TEXT | st.lists(_PARTS, min_size=1).map("".join),
            "name": _TEXT,
            "args": st.lists(_TEXT),
        },
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_resolves_to_absolute_paths_or_is_a_problem(
    world: World, options: dict[str, Any]
) -> None:
    resolved = world.resolve(**options)
    assert (resolved.app is None) is bool(resolved.problems)
    if resolved.app:
        assert resolved.app.command[0].startswith("/")
        assert resolved.app.cwd.startswith("/")
        assert resolved.app.args == tuple(options.get("args", ()))


# cwd


def test_cwd_is_relative_to_the_file_and_the_script_to_it(world: World) -> None:
    file = world.write("server/bin/www.js")
    app = world.app(script="./bin/../bin/www.js", cwd="server/")
    assert (app.cwd, app.script) == (f"{world.base}/server", file)
    assert "PWD" not in app.env


def test_cwd_below_the_home_directory(world: World) -> None:
    file = world.write(f"{world.home}/api/app.js")
    app = world.app(script="app.js", cwd="~/api")
    assert (app.cwd, app.script) == (f"{world.home}/api", file)
    assert world.app(script="~/api/app.js").script == file


@pytest.mark.parametrize(
    ("cwd", "message", "hint"),
    [
        ("./sevrer", "no such directory: {base}/sevrer", "did you mean 'server'?"),
        ("sevrer/x", "no such directory: {base}/sevrer/x", "there is no 'sevrer' in {base}; did"),
        ("app.js", "{base}/app.js is a file, not a directory", "mean {base}?"),
        ("C:\\Users\\me", "no such directory: {base}/C:\\Users\\me", "Windows"),
        ("$HOME/app", "no such directory: {base}/$HOME/app", "not expanded"),
    ],
)
def test_a_cwd_that_is_not_there_is_the_only_problem(
    world: World, cwd: str, message: str, hint: str
) -> None:
    world.write("server/app.js")
    key, said, hinted = world.problem(script="gone.js", cwd=cwd)
    assert (key, said) == ("apps[0].cwd", message.format(base=world.base))
    assert hint.format(base=world.base) in hinted


# script


def test_a_script_that_is_no_file_is_looked_up_in_path(world: World) -> None:
    npm = world.program("npm")
    app = world.app(script="npm", args="run start")
    assert app.command == (npm, "run", "start")


def test_a_file_goes_before_a_program_and_a_program_before_a_directory(world: World) -> None:
    npm = world.program("npm")
    world.write("npm/package.json", "{}")
    assert world.app(script="npm").command == (npm,)
    assert world.app(script="./npm").script == f"{world.base}/npm"
    own = world.write("own/npm", "#!/bin/sh\n", executable=True)
    assert world.app(script="npm", cwd="own").command == ("/bin/sh", own)


@pytest.mark.parametrize(
    ("script", "hint"),
    [
        ("ap.js", "did you mean 'app.js'?"),
        ("app", "did you mean 'app.js'?"),
        ("xyz", "there is no program 'xyz' in PATH either"),
        ("dist/main.js", "there is no 'dist' in {base}"),
    ],
)
def test_a_script_that_is_nowhere(world: World, script: str, hint: str) -> None:
    key, message, said = world.problem(script=script)
    assert key == "apps[0].script"
    assert message == f"script not found: {world.base}/{script}"
    assert said == hint.format(base=world.base) or hint in said


def test_a_directory_is_run_by_node_where_node_can(world: World) -> None:
    node = world.program("node")
    world.write("service-worker/index.js")
    app = world.app(script="./service-worker/")
    assert app.command == (node, f"{world.base}/service-worker")
    world.write("empty/readme.md")
    key, message, _ = world.problem(script="./empty")
    assert key == "apps[0].script"
    assert message == f"{world.base}/empty is a directory without a package.json or index.js"


def test_a_script_with_a_space_goes_to_bash_as_a_whole(world: World) -> None:
    bash = world.program("bash")
    app = world.app(script="pnpm build && pnpm start --port 3000")
    assert app.command == (bash, "-c", "pnpm build && pnpm start --port 3000")
    assert (app.interpreter, app.interpreter_args) == (bash, ("-c",))


def test_the_args_of_a_command_line_are_kept(world: World) -> None:
    bash = world.program("bash")
    resolved = world.resolve(script="npm run dev ", args=["--", "a b", "$HOME"])
    assert resolved.app
    assert resolved.app.command == (
        *(bash, "-c", 'npm run dev "$@"', "bash"),
        *("--", "a b", "$HOME"),
    )
    assert "PM2 drops them" in about(resolved.notes, "args")


def test_sh_runs_command_lines_where_there_is_no_bash(world: World) -> None:
    Path(world.program("bash")).unlink()
    sh = world.program("sh")
    assert world.app(script="npm start").command == (sh, "-c", "npm start")


def test_a_shell_that_was_named_runs_the_command_line(world: World) -> None:
    zsh = world.program("zsh")
    assert world.app(script="npm start", interpreter="zsh").command == (zsh, "-c", "npm start")


def test_another_interpreter_cannot_run_a_command_line(world: World) -> None:
    world.program("php")
    key, message, hint = world.problem(script="artisan queue:work  --once", interpreter="php")
    assert key == "apps[0].script"
    assert message.startswith("php cannot run a command line")
    assert hint == "write script: artisan and args: queue:work  --once"


def test_a_file_with_a_space_in_its_name_is_run_as_a_file(world: World) -> None:
    file = world.write("my app.js")
    assert world.app(script="my app.js").command == (world.program("node"), file)


# instances


@pytest.mark.parametrize(
    ("instances", "number"),
    [(1, 1), ("3", 3), ("max", 4), (0, 4), (-1, 3), (-4, 1), (-9, 1)],
)
def test_instances(world: World, instances: object, number: int) -> None:
    assert world.app(script="app.js", instances=instances).instances == number


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({}, "fork"),
        ({"instances": 1}, "cluster"),
        ({"instances": "max"}, "cluster"),
        ({"instances": 2, "exec_mode": "fork"}, "fork"),
        ({"instances": "max", "exec_mode": "fork_mode"}, "fork"),
        ({"exec_mode": "cluster_mode"}, "cluster"),
        ({"instances": 2, "execute_command": True, "exec_mode": "cluster"}, "fork"),
        ({"instances": 2, "script": "npm"}, "fork"),
        ({"instances": 2, "script": "npm", "exec_mode": "cluster"}, "cluster"),
    ],
)
def test_exec_mode(world: World, options: dict[str, Any], mode: str) -> None:
    assert world.app(**{"script": "app.js", **options}).exec_mode == mode


@pytest.mark.parametrize(
    ("options", "listen"),
    [
        ({"listen": [3000, "/run/app.sock"]}, ("3000", "/run/app.sock")),
        ({"script": "a.py", "listen": 3000}, ("3000",)),
        ({"instances": 2, "port": 3000}, ("3000",)),
        ({"exec_mode": "cluster", "env": {"PORT": 3000}}, ("3000",)),
        ({"exec_mode": "cluster", "env": {"PORT": 3000}, "listen": 4000}, ("4000",)),
        ({"exec_mode": "cluster", "port": 3000, "increment_var": "PORT"}, ()),
        ({"exec_mode": "cluster", "env": {"PORT": "/run/app.sock"}}, ()),
        ({"exec_mode": "fork", "port": 3000}, ()),
        ({"interpreter": "tsx", "exec_mode": "cluster", "port": 3000}, ("3000",)),
        ({"interpreter": "ts-node", "instances": 2, "port": 3000}, ("3000",)),
        ({"script": "pnpm", "args": "start", "exec_mode": "cluster", "port": 3000}, ("3000",)),
        ({"script": "a.py", "exec_mode": "cluster", "port": 3000}, ()),
    ],
)
def test_a_cluster_of_node_apps_listens_on_its_port(
    world: World, options: dict[str, Any], listen: tuple[str, ...]
) -> None:
    for name in ("tsx", "ts-node", "pnpm"):
        world.program(name)
    world.program("python3")
    world.write("a.py")
    resolved = world.resolve(**{"script": "app.js", **options})
    assert resolved.app
    assert resolved.app.listen == listen


def test_a_cluster_without_a_port_is_told_what_to_write(world: World) -> None:
    def said(**options: Any) -> str:
        return about(world.resolve(script="app.js", **options).notes, "listen")

    assert "write listen: 3000" in said(instances=2)
    assert said(instances=2, exec_mode="fork") == ""
    assert said(instances=2, increment_var="PORT", env={"PORT": 3000}) == ""
    alone = said(instances=1)
    assert "while the app is reloaded; if it listens on one, write listen: 3000" in alone
    assert "the instances" not in alone


# logs


def test_log_files_are_absolute(world: World) -> None:
    world.write("sub/app.js")
    app = world.app(
        script="app.js", cwd="sub", out_file="../logs/out.log", error_file="~/err.log", log_file="x"
    )
    assert app.out_file == f"{world.base}/logs/out.log"
    assert app.error_file == f"{world.home}/err.log"
    assert app.log_file == f"{world.base}/sub/x"


def test_no_log_files_by_default_and_none_by_their_name(world: World) -> None:
    app = world.app(script="app.js")
    assert (app.out_file, app.error_file, app.log_file) == (None, None, None)
    app = world.app(script="app.js", out_file="NULL", error_file="/dev/null", log_file="/dev/null")
    assert (app.out_file, app.error_file, app.log_file) == ("/dev/null", "/dev/null", None)


def test_log_file_true_is_in_the_state_directory(world: World) -> None:
    app = world.app(script="app.js", name="@a/b c", log_file=True)
    assert app.log_file == f"{world.home}/.local/state/pm2sd/logs/-a-b-c.log"
    world.environ = {**world.environ, "XDG_STATE_HOME": "/state"}
    assert world.app(script="app.js", log_file=True).log_file == "/state/pm2sd/logs/app.log"


@pytest.mark.parametrize(
    ("options", "merged"),
    [
        ({}, True),
        ({"instances": 2}, False),
        ({"instances": 1}, False),
        ({"instances": "max"}, True),
        ({"exec_mode": "cluster"}, False),
        ({"exec_mode": "fork", "instances": 2}, False),
        ({"exec_mode": "cluster", "execute_command": True}, True),
        ({"instances": 2, "merge_logs": True}, True),
        ({"combine_logs": False}, False),
    ],
)
def test_merge_logs(world: World, options: dict[str, Any], merged: bool) -> None:
    resolved = world.resolve(script="app.js", log_file="x.log", **options)
    assert resolved.app
    assert resolved.app.merge_logs is merged
    assert bool(about(resolved.notes, "merge_logs")) is not merged


def test_files_of_two_apps_that_pm2_would_keep_apart_are_told(world: World) -> None:
    def said(**second: Any) -> str:
        world.write("b.js")
        first = {"script": "app.js", "instances": 2, "out_file": "out.log", "error_file": "x.log"}
        resolved = world.resolve_all(first, {"script": "b.js", "error_file": "e.log", **second})
        assert resolved.problems == ()
        return about(resolved.apps[1][1], "merge_logs")

    told = f"approximate: app writes to {world.base}/out.log, too, where instances of"
    assert told in said(exec_mode="cluster", out_file="out.log")
    assert "too, where" not in said(exec_mode="cluster", out_file="other.log")
    assert said(exec_mode="fork", out_file="out.log") == ""
    assert "too, where" not in said(exec_mode="cluster", out_file="/dev/null")


def test_time_stands_for_a_format_and_goes_over_another(world: World) -> None:
    assert world.app(script="app.js", log_date_format="HH:mm").log_date_format == "HH:mm"
    both = world.app(script="app.js", log_date_format="HH:mm", time=True)
    assert both.log_date_format == "YYYY-MM-DDTHH:mm:ss"


def test_disabled_logs(world: World) -> None:
    assert world.app(script="app.js", disable_logs=True).disable_logs


# uid, gid


def test_another_user_is_refused(world: World) -> None:
    key, message, hint = world.problem(script="app.js", user="www-data")
    assert key == "apps[0].user"
    assert message == "the systemd manager of user ada cannot run an app as user 'www-data'"
    assert "run pm2sd as www-data" in hint
    assert world.problem(script="app.js", gid=33)[0] == "apps[0].gid"


def test_the_user_itself_is_accepted(world: World) -> None:
    assert world.app(script="app.js", uid="ada", gid="engines")
    assert world.app(script="app.js", uid=1815, gid=1852)
    assert world.app(script="app.js", uid="1815", gid="1852")
    for option, stranger in (("uid", 0), ("uid", 1852), ("gid", "ada"), ("gid", 1815)):
        assert world.problem(script="app.js", **{option: stranger})[0] == f"apps[0].{option}"


def test_the_script_serve_is_our_server_whatever_is_called_so(world: World) -> None:
    world.program("serve")
    world.write("serve", "")
    env = {"PM2_SERVE_PATH": "site", "PM2_SERVE_BASIC_AUTH_PASSWORD": "x"}
    app = world.app(script="serve", args="a 1", env=env)
    assert app.command == (sys.executable, "-P", "-m", "pm2sd.serve", "a", "1")
    assert app.secrets == {"PM2_SERVE_BASIC_AUTH_PASSWORD": "x"}
    assert "PM2_SERVE_BASIC_AUTH_PASSWORD" not in app.env
    assert app.listen == ()


@pytest.mark.parametrize(
    ("env", "listen"),
    [
        ({}, "0.0.0.0:8080"),
        ({"PM2_SERVE_PORT": 81, "PM2_SERVE_HOST": "::1"}, "[::1]:81"),
        ({"PM2_SERVE_HOST": "localhost"}, "127.0.0.1:8080"),
    ],
)
def test_servers_share_a_socket(world: World, env: dict[str, Any], listen: str) -> None:
    assert world.app(script="serve", instances=2, env=env).listen == (listen,)
    assert world.app(script="serve", instances=2, env=env, listen=5000).listen == ("5000",)


def test_with_the_machines_manager_the_app_is_whose_uid_says(world: World) -> None:
    world.system = True
    world.write("app.js", "")
    app = world.app(script="app.js", uid=33, gid="engines")
    assert (app.system, app.user, app.group) == (True, "www-data", "engines")
    key, message, hint = world.problem(script="app.js", uid="charles")
    assert (key, message) == ("apps[0].uid", "there is no user 'charles'")
    assert "getent passwd" in hint
    key, message, hint = world.problem(script="app.js")
    assert message == "with --system an app needs a user to run as"
    world.environ = {**world.environ, "SUDO_USER": "ada"}
    assert world.app(script="app.js").user == "ada"
    assert world.problem(script="app.js", uid="ada", alerts={"down": "2m"})[0] == "apps[0].alerts"
