from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.document import document
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.ecosystem.resolve import resolve_all
from pm2sd.errors import Pm2sdError
from pm2sd.moving.apps import Here, Moved, moved_apps
from pm2sd.moving.processes import read_processes
from pm2sd.moving.secret_files import secret_files
from pm2sd.moving.text import ecosystem_text, holds_secrets
from tests.ecosystem.resolving.world import World

ENV = {"PM2_HOME": "/home/ada/.pm2", "PM2_USAGE": "CLI", "unique_id": "5fa5", "SHLVL": "1"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.program("node", "python3", "sleep", "bash")
    world.write("api.js")
    world.write("job.py")
    return world


def process(world: World, name: str = "api", **changes: Any) -> dict[str, Any]:
    """One entry of a dump; ``env`` is added to what PM2 puts there."""
    env = {**ENV, "PATH": world.environ["PATH"], **changes.pop("env", {})}
    logs = f"/home/ada/.pm2/logs/{name}"
    entry = {
        "name": name,
        "namespace": "default",
        "env": env,
        "node_args": [],
        "vizion": True,
        "autostart": True,
        "autorestart": True,
        "instance_var": "NODE_APP_INSTANCE",
        "pmx": True,
        "automation": True,
        "treekill": True,
        "username": "ada",
        "windowsHide": True,
        "kill_retry_time": 100,
        "pm_exec_path": f"{world.base}/api.js",
        "pm_cwd": world.base,
        "exec_interpreter": "node",
        "exec_mode": "fork_mode",
        "pm_out_log_path": f"{logs}-out.log",
        "pm_err_log_path": f"{logs}-error.log",
        "pm_pid_path": f"/home/ada/.pm2/pids/{name}-0.pid",
        "km_link": False,
        "vizion_running": False,
        "NODE_APP_INSTANCE": 0,
        "status": "online",
        "restart_time": 3,
        "axm_actions": [],
        "axm_monitor": {},
        "node_version": "20.1.0",
        "version": "N/A",
        **changes,
    }
    return {**env, **entry}


def moved(world: World, *entries: Mapping[str, Any]) -> tuple[Moved, ...]:
    here = Here(world, {}, "/home/ada/.pm2")
    return moved_apps(read_processes(json.dumps(entries), "dump.pm2"), here)


def options(world: World, **changes: Any) -> dict[str, Any]:
    """The options of one process, but for name, script and cwd, which are always there."""
    (app,) = moved(world, process(world, **changes))
    found = dict(app.options)
    assert found.pop("name") == app.name
    del found["script"], found["cwd"]
    return found


def test_an_app_of_defaults_is_three_lines(world: World) -> None:
    (app,) = moved(world, process(world))
    assert app.options == {"name": "api", "script": "api.js", "cwd": world.base}
    assert app.variables.own == {}
    assert app.remarks == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"max_memory_restart": 314572800}, {"max_memory_restart": "300M"}),
        ({"max_memory_restart": 1234567}, {"max_memory_restart": "1234567"}),
        ({"kill_timeout": 1600, "max_restarts": 16, "min_uptime": 1000}, {}),
        ({"kill_timeout": 5000}, {"kill_timeout": 5000}),
        ({"stop_exit_codes": [0, 3]}, {"stop_exit_codes": [0, 3]}),
        ({"autorestart": False}, {"autorestart": False}),
        ({"watch": False}, {}),
        ({"watch": ["src"]}, {"watch": ["src"]}),
        ({"args": ["--a", "b c"]}, {"args": ["--a", "b c"]}),
        ({"node_args": ["--inspect"]}, {"node_args": ["--inspect"]}),
        ({"namespace": "ns"}, {"namespace": "ns"}),
        ({"pmx": False, "vizion": False, "automation": False}, {}),
        ({"cron_restart": "0 3 * * *"}, {"cron_restart": "0 3 * * *"}),
        ({"cron_restart": 0}, {}),
        ({"status": "stopped"}, {"autostart": False}),
        ({"exec_mode": "cluster_mode"}, {"exec_mode": "cluster"}),
        ({"time": True, "log_date_format": "YYYY-MM-DDTHH:mm:ss"}, {"time": True}),
        ({"log_date_format": "HH:mm"}, {"log_date_format": "HH:mm"}),
        ({"env_production": {"A": "b"}}, {"env_production": {"A": "b"}}),
        ({"pm_out_log_path": "/var/log/api.log"}, {"out_file": "/var/log/api.log"}),
        ({"pm_out_log_path": "/var/log/api-7.log"}, {"out_file": "/var/log/api.log"}),
        ({"pm_out_log_path": "/dev/null"}, {"out_file": "/dev/null"}),
        ({"env": {"PM2_KILL_SIGNAL": "SIGTERM"}}, {"kill_signal": "SIGTERM"}),
        ({"append_env_to_name": True, "filter_env": [], "execute_command": True}, {}),
    ],
)
def test_options(world: World, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options(world, **changes) == expected


def test_a_log_below_the_app_is_written_relative_to_it(world: World) -> None:
    path = f"{world.base}/logs/out.log"
    assert options(world, pm_out_log_path=path, merge_logs=True) == {"out_file": "logs/out.log"}


def test_an_option_nobody_understands_is_left_out_and_told(world: World) -> None:
    (app,) = moved(world, process(world, kill_timeout="soon"))
    assert "kill_timeout" not in app.options
    assert "kill_timeout was left out" in app.remarks[0]


def test_a_command_line_is_one_again(world: World) -> None:
    entry = process(
        world,
        pm_exec_path="/usr/bin/bash",
        exec_interpreter="none",
        args=["-c", "node api.js --port 80"],
    )
    (app,) = moved(world, entry)
    assert app.options == {"name": "api", "script": "node api.js --port 80", "cwd": world.base}


def test_a_program_of_path_goes_by_its_name(world: World) -> None:
    path = str(world.root / "bin/sleep")
    (app,) = moved(world, process(world, pm_exec_path=path, exec_interpreter="none", args=["9"]))
    assert app.options == {"name": "api", "script": "sleep", "args": ["9"], "cwd": world.base}


def test_modules_are_no_apps(world: World) -> None:
    assert moved(world, process(world, pmx_module=True)) == ()


# ---- interpreters


def test_the_node_of_a_version_manager_is_kept_if_it_is_not_the_default(world: World) -> None:
    nvm = f"{world.home}/.nvm/versions/node/v18.20.1/bin"
    world.write(f"{nvm}/node", b"\x7fELF", executable=True)
    env = {"PATH": f"{nvm}:{world.environ['PATH']}"}
    assert options(world, env=env) == {"interpreter": "node@18.20.1"}
    world.environ = {**world.environ, **env}
    assert options(world, env=env) == {}


def test_another_interpreter_is_kept(world: World) -> None:
    path = world.program("deno")
    assert options(world, exec_interpreter="deno") == {"interpreter": "deno"}
    assert options(world, exec_interpreter=path) == {"interpreter": path}


def test_the_interpreter_of_a_virtual_environment_is_looked_up_from_the_apps_directory(
    world: World,
) -> None:
    world.write("venv/bin/python", b"\x7fELF", executable=True)
    script = f"{world.base}/job.py"
    for written in ("./venv/bin/python", "venv/bin/python"):
        (app,) = moved(world, process(world, pm_exec_path=script, exec_interpreter=written))
        assert app.options["interpreter"] == written
        assert app.remarks == ()


def test_an_interpreter_that_is_gone_is_told(world: World) -> None:
    (app,) = moved(world, process(world, exec_interpreter="/opt/old/node"))
    assert "interpreter" not in app.options
    assert app.remarks == ("PM2 ran it with /opt/old/node, which is not there any more",)


# ---- instances


def test_processes_of_one_name_are_instances(world: World) -> None:
    logs = [{"pm_out_log_path": f"/home/ada/.pm2/logs/api-out-{n}.log"} for n in range(3)]
    entries = [
        process(world, exec_mode="cluster_mode", NODE_APP_INSTANCE=n, **logs[n]) for n in range(3)
    ]
    (app,) = moved(world, *entries)
    assert app.options["instances"] == 3
    assert app.options["exec_mode"] == "cluster"
    assert "out_file" not in app.options


def test_forks_of_node_are_said_to_be_forks(world: World) -> None:
    (app,) = moved(world, process(world), process(world))
    assert (app.options["exec_mode"], app.options["instances"]) == ("fork", 2)


def test_a_variable_that_counts_up_is_incremented(world: World) -> None:
    ports = (3002, 3000, 3001)
    (app,) = moved(world, *(process(world, env={"PORT": port}) for port in ports))
    assert app.options["increment_var"] == "PORT"
    assert app.options["instances"] == 3
    assert app.variables.own == {"PORT": "3000"}


@pytest.mark.parametrize("ports", [(3000, 3002), (3000, 3000.5), ("a", "b")])
def test_what_does_not_count_up_is_two_apps(world: World, ports: tuple[Any, Any]) -> None:
    one, other = moved(world, *(process(world, env={"PORT": port}) for port in ports))
    assert (one.name, other.name) == ("api", "api-2")
    assert "PM2 calls it 'api' too" in other.remarks[0]
    assert other.options["name"] == "api-2"


def test_another_app_of_the_same_name_gets_a_free_one(world: World) -> None:
    entries = (
        process(world),
        process(world, pm_exec_path=f"{world.base}/job.py", exec_interpreter="python3"),
        process(world, "api-2"),
    )
    assert [app.name for app in moved(world, *entries)] == ["api", "api-3", "api-2"]


def test_one_running_instance_is_enough_to_start_the_app(world: World) -> None:
    (app,) = moved(world, process(world), process(world, status="stopped"))
    assert "autostart" not in app.options
    assert app.remarks == ("in PM2: 1 online, 1 stopped",)


# ---- the file


def text_of(world: World, *entries: Mapping[str, Any]) -> str:
    return ecosystem_text(moved(world, *entries), origin="dump.pm2")


def applied(world: World, text: str) -> list[App]:
    """The apps that pm2sd makes of a file."""
    source = read_yaml(Places("ecosystem.yaml", text), Path(world.base, "ecosystem.yaml"))
    found = [declare(node, source) for node in document(source).apps]
    assert [problems for _, problems in found if problems] == []
    declared = [one for one, _ in found]
    resolved = resolve_all(declared, machine=world, base=world.base, source=source)
    assert resolved.problems == ()
    return [app for app, _ in resolved.apps]


def test_the_file_reads_well(world: World) -> None:
    entry = process(
        world,
        args=["--port", "80", "a b"],
        max_memory_restart=2**30,
        env={"PORT": 80, "CODE": "007", "JSON": '{"a": "it\'s"}', "API_KEY": "k"},
        env_production={"NODE_ENV": "production"},
    )
    assert text_of(world, entry).split("apps:\n")[1] == (
        "  - name: api\n"
        "    script: api.js\n"
        '    args: [--port, "80", "a b"]\n'
        f"    cwd: {world.base}\n"
        "    max_memory_restart: 1G\n"
        "    env:\n"
        '      CODE: "007"\n'
        "      JSON: '{\"a\": \"it''s\"}'\n"
        "      PORT: 80\n"
        "    env_production:\n"
        "      NODE_ENV: production\n"
        "    secrets:\n"
        "      API_KEY: k\n"
    )


def test_what_was_left_out_is_told(world: World) -> None:
    entry = process(world, env={"COMPANY": "acme"})
    here = Here(world, {"COMPANY": "acme"}, "/home/ada/.pm2")
    apps = moved_apps(read_processes(json.dumps([entry]), "dump.pm2"), here)
    text = ecosystem_text(apps, origin="dump.pm2")
    head, _, rest = text.partition("apps:\n")
    assert "# Left out, set by PM2 itself: PM2_HOME, PM2_USAGE, unique_id\n" in head
    assert "  # Left out, the same in your login environment: COMPANY\n" in rest


def test_secrets_go_to_a_file_of_the_app(world: World) -> None:
    entry = process(world, env={"API_KEY": "k #1", "CR_TOKEN": "a\rb"})
    apps = moved(world, entry)
    files = secret_files(apps, world.base, world.home)
    assert files["api"].text == "API_KEY='k #1'\n"
    assert files["api"].written == "secrets/api.env"
    text = ecosystem_text(apps, origin="dump.pm2", files=files)
    assert "k #1" not in text
    assert holds_secrets(apps, files)  # the one that no such file can hold
    world.write("secrets/api.env", files["api"].text)
    (app,) = applied(world, text)
    assert app.secrets == {"API_KEY": "k #1", "CR_TOKEN": "a\rb"}


WORDS = st.text(
    st.one_of(
        st.sampled_from("'\"`\\\n\r\t${}#%: ,-[]&*!|>?@~=.0129aey\u2028\u0085\ufeff"),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    args=st.lists(WORDS, max_size=4),
    env=st.dictionaries(WORDS.map(lambda word: f"X{word.replace('=', '_')}"), WORDS, max_size=4),
    secret=WORDS,
)
def test_every_text_survives(
    tmp_path_factory: pytest.TempPathFactory, args: list[str], env: dict[str, str], secret: str
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    world.program("node")
    world.write("api.js")
    entry = process(world, args=args, env={**env, "A_PASSWORD": secret})
    apps = moved(world, entry)
    files = secret_files(apps, world.base, world.home)
    for file in files.values():
        world.write(file.path, file.text)
    (app,) = applied(world, ecosystem_text(apps, origin="dump.pm2", files=files))
    assert list(app.args) == args
    given_env = {**app.env, **app.secrets}
    assert {name: given_env[name] for name in env} == env
    assert given_env["A_PASSWORD"] == secret


def test_what_pm2_was_told_is_what_the_file_says(world: World) -> None:
    entry = process(
        world,
        max_memory_restart=300 * 2**20,
        min_uptime=10000,
        max_restarts=5,
        restart_delay=100,
        kill_timeout=3000,
        listen_timeout=9000,
        wait_ready=True,
        treekill=False,
        stop_exit_codes=[3],
        namespace="ns",
    )
    (app,) = applied(world, text_of(world, entry))
    for option in ("min_uptime", "max_restarts", "restart_delay", "kill_timeout", "treekill"):
        assert getattr(app, option) == entry[option]
    assert app.max_memory_restart == 300 * 2**20
    assert (app.wait_ready, app.listen_timeout, app.namespace) == (True, 9000, "ns")
    assert app.stop_exit_codes == (3,)


# ---- what cannot be read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("hello", "no list of PM2's"),
        ('[{"name": "a"', "cut off"),
        ("[{" + '"a": [' + "[" * 100_000, "deep"),
        ("[ { name: 'a', ", "cut off"),
        ('[{"name": "a"}]', "no pm_exec_path"),
    ],
)
def test_what_is_no_list(text: str, message: str) -> None:
    with pytest.raises(Pm2sdError, match=message):
        read_processes(text, "dump.pm2")


def test_an_empty_list_is_one() -> None:
    assert read_processes("[]", "dump.pm2") == ()


def test_what_pm2_says_before_the_list_is_skipped(world: World) -> None:
    said = "[PM2] Spawning PM2 daemon\n>>>> In-memory PM2 is out-of-date, do:\n$ pm2 update\n"
    listed = json.dumps([{"pid": 7, "pm_id": 3, "pm2_env": process(world), "name": "api"}])
    (one,) = read_processes(said + listed, "jlist")
    assert (one.name, one.id, one.pid) == ("api", 3, 7)


def test_pm2s_own_file_server_becomes_ours(world: World) -> None:
    path = world.write("node_modules/pm2/lib/API/Serve.js")
    env = {"PM2_SERVE_PORT": "80", "PM2_SERVE_BASIC_AUTH_PASSWORD": "lovelace"}
    (app,) = moved(world, process(world, "web", pm_exec_path=path, env=env))
    assert app.options["script"] == "serve"
    assert "interpreter" not in app.options
    assert app.remarks == ()
    assert app.variables.own == {"PM2_SERVE_PORT": "80"}
    assert app.variables.secrets == {"PM2_SERVE_BASIC_AUTH_PASSWORD": "lovelace"}
