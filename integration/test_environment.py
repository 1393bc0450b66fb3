"""Options that say which variables an app gets and what it is called, on a real user manager."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from integration.harness import Pm2sd, Project, eventually, properties
from pm2sd.errors import ExitStatus

SHELL = {"LANG": "de_DE.UTF-8", "API_TOKEN": "t0ken", "TZ": "UTC", "LEFT_OUT": "x"}


def environment(dump: Path) -> dict[str, str]:
    """The variables of the process that integration/apps/dump.py is, from the kernel."""
    record = json.loads(eventually(dump.read_text))
    pairs = record["environ"].items()
    return {b64decode(name).decode(): b64decode(value).decode() for name, value in pairs}


def applied(pm2sd: Pm2sd, project: Project, *flags: str, **options: Any) -> dict[str, str]:
    """The environment that one app with these options gets, applied from a shell with SHELL."""
    dump = project.path / "dump"
    dump.unlink(missing_ok=True)
    app = {"name": project.name(), "script": project.script("dump.py"), "args": [str(dump)]}
    result = pm2sd("apply", project.ecosystem([app | options]), *flags, env=SHELL)
    assert result.exit_status == ExitStatus.OK, result
    return environment(dump)


def of_shell(found: dict[str, str]) -> set[str]:
    return found.keys() & SHELL.keys()


def test_only_what_is_asked_for_is_inherited(pm2sd: Pm2sd, project: Project) -> None:
    found = applied(pm2sd, project, inherit_env=["API_TOKEN", "TZ"], env={"TZ": "CET"})
    assert (found["API_TOKEN"], found["TZ"]) == ("t0ken", "CET")
    assert "LEFT_OUT" not in found
    assert "LEFT_OUT" not in applied(pm2sd, project, env={"OTHER": "1"})


def test_filter_env_drops_parts_of_names_a_name_or_everything(
    pm2sd: Pm2sd, project: Project
) -> None:
    inherit = {"inherit_env": ["API_TOKEN", "TZ"]}
    assert "TZ" in of_shell(applied(pm2sd, project, filter_env=["TOK"], **inherit))
    assert "API_TOKEN" not in applied(pm2sd, project, filter_env=["TOK"], env={"A": "1"}, **inherit)
    # A text is a whole name, as in PM2.
    found = applied(pm2sd, project, filter_env="API", **inherit)
    assert found["API_TOKEN"] == "t0ken"
    found = applied(pm2sd, project, filter_env=True, env={"B": "1"}, **inherit)
    assert not {"API_TOKEN", "TZ"} & found.keys()
    assert found["B"] == "1"


def test_env_blocks_and_the_name_they_add(pm2sd: Pm2sd, project: Project) -> None:
    options = {"env": {"A": "1", "B": "1"}, "env_production": {"B": "2"}}
    found = applied(pm2sd, project, **options)
    assert (found["A"], found["B"]) == ("1", "1")
    found = applied(pm2sd, project, "--env", "production", append_env_to_name=True, **options)
    assert (found["A"], found["B"]) == ("1", "2")
    unit = f"{project.name()}-production@0.service"
    assert properties(unit, "ActiveState") == {"ActiveState": "active"}
    # Without --env the name is the plain one: another app.
    assert pm2sd("pid", f"{project.name()}-production").stdout.strip() != "0"


def test_a_file_stands_for_its_apps_under_the_names_that_env_blocks_gave(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name("a")
    file = project.ecosystem(
        [{"name": name, "script": "sleep", "args": "infinity", "append_env_to_name": True}]
    )
    env = ("--env", "production")
    assert pm2sd("apply", file, *env).exit_status == ExitStatus.OK
    for verb in ("reload", "restart"):
        done = pm2sd(verb, file, *env)
        assert done.exit_status == ExitStatus.OK, done
        assert f"{verb}ed {name}-production@0\n" in done.stdout
    for verb in ("stop", "delete"):
        assert pm2sd(verb, file).exit_status == ExitStatus.OK
    assert pm2sd("pid", f"{name}-production").exit_status == ExitStatus.NO_SUCH_APP


def test_a_file_does_not_stand_for_what_it_called_similarly_once(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name("a")
    app = {"script": "sleep", "args": "infinity"}
    old = f"{name}-old"
    assert pm2sd("apply", project.ecosystem([{"name": old, **app}])).exit_status == ExitStatus.OK
    file = project.ecosystem([{"name": name, **app}])
    assert pm2sd("delete", file).exit_status == ExitStatus.NO_SUCH_APP
    assert pm2sd("pid", old).exit_status == ExitStatus.OK


def test_instances_count_up_and_know_their_number(pm2sd: Pm2sd, project: Project) -> None:
    dumps = [project.path / f"dump{number}" for number in range(3)]
    script = f'exec {project.script("dump.py")} "{project.path}/dump$WHO"'
    app = {
        "name": project.name(),
        "script": "/bin/sh",
        "args": ["-c", script.replace("exec ", "exec /usr/bin/python3 ")],
        "instances": 3,
        "env": {"PORT": "9000"},
        "increment_var": "PORT",
        "instance_var": "WHO",
    }
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    found = [environment(dump) for dump in dumps]
    assert [one["PORT"] for one in found] == ["9000", "9001", "9002"]
    assert [one["WHO"] for one in found] == ["0", "1", "2"]
    assert all("NODE_APP_INSTANCE" not in one for one in found)


def test_disabled_logs_go_nowhere(pm2sd: Pm2sd, project: Project) -> None:
    app = {"name": project.name(), "script": project.script("talks.py"), "args": ["3"]}
    file = project.ecosystem([app | {"disable_logs": True, "out_file": "out.log"}])
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    shown = properties(f"{project.name()}@0.service", "StandardOutput", "StandardError")
    assert shown == {"StandardOutput": "null", "StandardError": "null"}
    assert not (project.path / "out.log").exists()
    printed = pm2sd("logs", project.name(), "--nostream", "--lines", "50")
    assert "out 1" not in printed.stdout


def test_log_type_says_how_to_get_json(pm2sd: Pm2sd, project: Project) -> None:
    app = {"name": project.name(), "script": project.script("talks.py"), "args": ["1"]}
    told = pm2sd("apply", project.ecosystem([app | {"log_type": "json"}]))
    assert told.exit_status == ExitStatus.OK
    assert "log_type (approximate): log files hold what the app writes" in told.stderr

    def lines() -> list[str]:
        printed = pm2sd("logs", project.name(), "--nostream", "--json", "--lines", "9").stdout
        return [json.loads(line)["message"] for line in printed.splitlines()]

    assert eventually(lambda: {"out 1", "err 1"} <= set(lines()))


def test_an_exit_code_to_stop_at_is_final_and_no_failure(pm2sd: Pm2sd, project: Project) -> None:
    app = {"name": project.name(), "script": project.script("exits.py"), "args": ["7", "0.2"]}
    result = pm2sd("apply", project.ecosystem([app | {"stop_exit_codes": [7, 9]}]))
    assert result.exit_status == ExitStatus.OK, result
    unit = f"{project.name()}@0.service"
    eventually(lambda: properties(unit, "ActiveState")["ActiveState"] == "inactive")
    shown = properties(unit, "NRestarts", "Result", "ExecMainStatus")
    assert shown == {"NRestarts": "0", "Result": "success", "ExecMainStatus": "7"}


def test_that_the_shells_variables_are_not_handed_on_is_told(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name("a")
    shell = {"NODE_ENV": "production", "PORT": "8080"}
    commands = (
        ("start", project.script("dump.py"), "--name", name, "--no-autostart"),
        ("restart", name, "--update-env"),
    )
    for command in commands:
        said = pm2sd(*command, env=shell).stderr
        assert "warning: NODE_ENV=production PORT=8080 of this shell is not handed on" in said
    assert "8080" not in pm2sd("env", name).stdout
    assert "this shell" not in pm2sd("restart", name, env=shell).stderr


def test_what_a_flag_asks_for_is_inherited(pm2sd: Pm2sd, project: Project) -> None:
    """As the warning says: by restart, by start; and --update-env takes it anew."""
    name, dump = project.name("a"), project.path / "dump"
    start = ("start", project.script("dump.py"), "--name", name)
    arguments = ("--", str(dump))

    def given(*command: str, **shell: str) -> dict[str, str]:
        dump.unlink(missing_ok=True)
        done = pm2sd(*command, env=shell)
        assert done.exit_status == ExitStatus.OK, done
        assert "is not handed on" not in done.stderr
        return environment(dump)

    assert pm2sd(*start, *arguments).exit_status == ExitStatus.OK
    assert given("restart", name, "--inherit-env", "PORT", PORT="1")["PORT"] == "1"
    assert given("restart", name, PORT="2")["PORT"] == "1"
    assert given("restart", name, "--update-env", PORT="2")["PORT"] == "2"
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    flags = ("--inherit-env", "NODE_ENV", "--inherit-env", "PORT")
    env = given(*start, *flags, *arguments, NODE_ENV="production", PORT="3")
    assert (env["NODE_ENV"], env["PORT"]) == ("production", "3")
