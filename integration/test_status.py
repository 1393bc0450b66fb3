"""status, jlist, prettylist, pid and id against a real user manager."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, properties, run, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory

COLUMNS = [
    "id",
    "name",
    "instance",
    "namespace",
    "mode",
    "pid",
    "uptime",
    "restarts",
    "state",
    "cpu",
    "memory",
    "user",
]


def apply(pm2sd: Pm2sd, project: Project, *apps: dict[str, Any]) -> None:
    base = {"script": "sleep", "args": "infinity", "exec_mode": "fork"}
    named = [{**base, **app, "name": project.name(app.get("name", "a"))} for app in apps]
    result = pm2sd("apply", project.ecosystem(named))
    assert result.exit_status == ExitStatus.OK, result


def rows(pm2sd: Pm2sd, *selectors: str) -> list[dict[str, Any]]:
    result = pm2sd("status", "--json", *selectors)
    assert result.exit_status in (ExitStatus.OK, ExitStatus.NOT_RUNNING), result
    found: list[dict[str, Any]] = result.json
    return found


def row(pm2sd: Pm2sd, selector: str) -> dict[str, Any]:
    (found,) = rows(pm2sd, selector)
    return found


def elements(pm2sd: Pm2sd, name: str) -> list[dict[str, Any]]:
    result = pm2sd("jlist")
    assert result.exit_status == ExitStatus.OK, result
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    return [element for element in result.json if element["name"] == name]


def test_rows_say_what_the_manager_says(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"instances": 2, "namespace": project.name("ns")})
    found = rows(pm2sd, project.name("a"))
    assert [one["instance"] for one in found] == [0, 1]
    assert found[1]["id"] == found[0]["id"] + 1
    for one in found:
        unit = f"{project.name('a')}@{one['instance']}.service"
        assert one["unit"] == unit
        assert str(one["pid"]) == properties(unit, "MainPID")["MainPID"]
        assert one["namespace"] == project.name("ns")
        assert one["mode"] == "fork"
        assert one["state"] == "online"
        assert one["restarts"] == 0
        assert one["user"] == pwd.getpwuid(os.getuid()).pw_name
        assert one["enabled"] is True
        assert one["memory"] > 100_000
        assert 0 <= one["uptime"] < 300
        assert one["result"] == ""


def test_the_table_has_pm2s_columns_and_no_colours_in_a_pipe(
    pm2sd: Pm2sd, project: Project
) -> None:
    apply(pm2sd, project, {})
    result = pm2sd("ls", project.name("a"))
    heading, line = result.stdout.splitlines()
    assert heading.split() == COLUMNS
    assert "online" in line.split()
    assert "\x1b" not in result.stdout
    assert "\x1b[32monline" in pm2sd("ls", env={"FORCE_COLOR": "1"}).stdout


def test_status_of_something_that_does_not_run_exits_3(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"instances": 2}, {"name": "b"})
    assert pm2sd("status", project.name("a")).exit_status == ExitStatus.OK
    assert pm2sd("stop", f"{project.name('a')}@1").exit_status == ExitStatus.OK
    stopped = pm2sd("status", project.name("a"))
    assert stopped.exit_status == ExitStatus.NOT_RUNNING
    assert "stopped" in stopped.stdout
    assert pm2sd("status", "--json", project.name("a")).exit_status == ExitStatus.NOT_RUNNING
    assert pm2sd("status", f"{project.name('a')}@0").exit_status == ExitStatus.OK
    assert pm2sd("status", project.name("b")).exit_status == ExitStatus.OK
    # Without a selector nothing was asked of any one app; describe asks whether one is known.
    assert pm2sd("status").exit_status == ExitStatus.OK
    assert pm2sd("describe", project.name("a")).exit_status == ExitStatus.OK


@pytest.mark.parametrize("spelling", ["status", "list", "ls", "l", "ps"])
def test_every_spelling_lists(pm2sd: Pm2sd, project: Project, spelling: str) -> None:
    apply(pm2sd, project, {})
    assert project.name("a") in pm2sd(spelling).stdout


def test_states_are_in_pm2s_words(pm2sd: Pm2sd, project: Project) -> None:
    endless = {"script": project.script("ignores_sigint.py"), "args": "", "kill_timeout": 60_000}
    apply(
        pm2sd,
        project,
        {"name": "online"},
        {"name": "stopped"},
        {"name": "stopping", **endless},
        {"name": "errored", "autostart": False, "script": project.script("exits.py"),
         "args": "3", "max_restarts": 2, "min_uptime": "10s"},
        {"name": "waiting", "autostart": False, "script": project.script("exits.py"),
         "args": "4", "restart_delay": 600_000},
        {"name": "launching", "autostart": False, "script": project.script("ready_late.py"),
         "args": "-1", "wait_ready": True, "listen_timeout": 600_000},
    )  # fmt: skip
    ignoring = ("logs", project.name("stopping"), "--nostream", "--raw")
    eventually(lambda: "ready" in pm2sd(*ignoring).stdout)
    systemctl("stop", f"{project.name('stopped')}.target")
    systemctl("stop", "--no-block", f"{project.name('stopping')}@0.service")
    for name in ("errored", "waiting", "launching"):
        systemctl("start", "--no-block", f"{project.name(name)}@0.service")

    def states() -> dict[str, str]:
        return {one["name"].partition("_")[2]: one["state"] for one in rows(pm2sd)}

    expected = {
        "online": "online",
        "stopped": "stopped",
        "stopping": "stopping",
        "errored": "errored",
        "waiting": "waiting restart",
        "launching": "launching",
    }
    eventually(lambda: states().items() >= expected.items())
    errored = row(pm2sd, project.name("errored"))
    assert errored["pid"] is errored["uptime"] is errored["memory"] is errored["cpu"] is None
    assert errored["result"] == "exit-code"
    assert errored["restarts"] == 1  # two starts, as max_restarts says
    assert row(pm2sd, project.name("waiting"))["result"] == "exit-code"
    (element,) = elements(pm2sd, project.name("waiting"))
    assert element["pm2_env"]["exit_code"] == 4
    assert element["pid"] == 0


def test_restarts_are_counted_until_they_are_reset(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {})
    name = project.name("a")
    systemctl("kill", "--signal=KILL", f"{name}@0.service")
    eventually(lambda: row(pm2sd, name)["restarts"] == 1)
    for command, restarts in (("restart", 2), ("reload", 3), ("stop", 3), ("start", 3)):
        assert pm2sd(command, name).exit_status == ExitStatus.OK
        assert row(pm2sd, name)["restarts"] == restarts, command
    apply(pm2sd, project, {"env": {"CHANGED": "yes"}})
    assert row(pm2sd, name)["restarts"] == 4
    assert pm2sd("reset", name).exit_status == ExitStatus.OK
    assert row(pm2sd, name)["restarts"] == 0
    assert pm2sd("restart", name).exit_status == ExitStatus.OK
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    apply(pm2sd, project, {})
    assert row(pm2sd, name)["restarts"] == 0


def test_a_busy_app_uses_cpu_and_an_idle_one_does_not(pm2sd: Pm2sd, project: Project) -> None:
    spin = project.write("spin.sh", "while :; do :; done\n")
    apply(pm2sd, project, {"name": "busy", "script": str(spin), "args": ""}, {"name": "idle"})
    eventually(lambda: row(pm2sd, project.name("busy"))["cpu"] > 5)  # other tests may have the rest
    assert row(pm2sd, project.name("idle"))["cpu"] < 5


def test_memory_and_cpu_are_found_where_a_drop_in_moved_the_unit(
    pm2sd: Pm2sd, project: Project
) -> None:
    apply(pm2sd, project, {})
    drop_in = unit_directory() / f"{project.name('a')}@.service.d/my.conf"
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(f"[Service]\nSlice={project.name('other')}.slice\n")
    systemctl("daemon-reload")
    assert pm2sd("restart", project.name("a")).exit_status == ExitStatus.OK
    moved = row(pm2sd, project.name("a"))
    assert moved["memory"] > 100_000
    assert moved["cpu"] is not None


def test_selectors_choose_rows(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"instances": 2}, {"name": "b", "namespace": project.name("ns")})
    a, b = project.name("a"), project.name("b")
    second = rows(pm2sd, a)[1]
    assert row(pm2sd, f"{a}@1")["id"] == second["id"]
    assert [one["name"] for one in rows(pm2sd, project.name("ns"))] == [b]
    assert [one["name"] for one in rows(pm2sd, f"/^{b}$/", f"{a}@0")] == [a, b]
    assert row(pm2sd, str(second["id"]))["unit"] == second["unit"]
    assert {one["name"] for one in rows(pm2sd, "ecosystem.yaml")} == {a, b}
    for command in ("status", "pid", "id"):
        unknown = pm2sd(command, f"{a}x")
        assert unknown.exit_status == ExitStatus.NO_SUCH_APP
        assert unknown.stdout == ""
        assert repr(a) in unknown.stderr


def test_rows_are_sorted_by_a_column(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"name": "a"}, {"name": "b"}, {"name": "c", "autostart": False})

    def order(field: str) -> list[str]:
        found = pm2sd("ls", "--json", "--sort", field, f"/{project.prefix}/").json
        return [one["name"][-1] for one in found]

    assert order("name") == ["a", "b", "c"]
    assert order("name:desc") == ["c", "b", "a"]
    assert order("pid:desc") == [*order("pid")[1::-1], "c"]
    bad = pm2sd("ls", "--sort", "nonsense")
    assert bad.exit_status == ExitStatus.USAGE
    assert "memory" in bad.stderr


def test_the_mini_list_has_a_line_for_each_fact(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {})
    lines = pm2sd("ls", "-m", project.name("a")).stdout.splitlines()
    assert lines[0] == f"+--- {project.name('a')}@0"
    assert [line.split(" : ")[0] for line in lines[1:]] == COLUMNS
    assert "state : online" in lines


def test_nothing_managed_is_a_hint_and_no_failure(pm2sd: Pm2sd, tmp_path: Path) -> None:
    empty = {"XDG_CONFIG_HOME": str(tmp_path)}
    result = pm2sd("status", env=empty)
    assert (result.exit_status, result.stdout) == (ExitStatus.OK, "")
    assert "pm2sd start" in result.stderr
    assert pm2sd("status", "--json", env=empty).json == []
    assert pm2sd("jlist", env=empty).stdout == "[]\n"
    assert pm2sd("prettylist", env=empty).stdout == "[]\n"
    assert pm2sd("pid", env=empty).stdout == ""


def test_an_app_whose_files_are_incomplete_is_mentioned(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"name": "a"}, {"name": "b"})
    (unit_directory() / f"{project.name('a')}.target").unlink()
    result = pm2sd("status", f"/{project.prefix}/")
    assert project.name("b") in result.stdout
    assert f"{project.name('a')!r} are incomplete" in result.stderr


def test_without_a_user_manager_status_exits_6(pm2sd: Pm2sd, tmp_path: Path) -> None:
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": None}
    result = pm2sd("status", env=nowhere)
    assert result.exit_status == ExitStatus.NO_USER_MANAGER
    assert "hint:" in result.stderr


def test_jlist_has_pm2s_shape(pm2sd: Pm2sd, project: Project) -> None:
    project.write("package.json", json.dumps({"version": "1.2.3"}))
    script = project.write("app.py", "import signal\nsignal.pause()\n")
    before = time.time()
    apply(
        pm2sd,
        project,
        {
            "script": str(script),
            "args": "one 'two words'",
            "interpreter": sys.executable,
            "instances": 2,
            "exec_mode": "fork",
            "env": {"COLOUR": "blue", "PORT": 8000},
            "increment_var": "PORT",
            "secrets": {"TOKEN": "not to be seen"},
            "out_file": str(project.path / "out.log"),
            "merge_logs": False,
            "max_memory_restart": "100M",
            "kill_timeout": 3000,
        },
    )
    found = elements(pm2sd, project.name("a"))
    first, second = found
    assert second["pm_id"] == first["pm_id"] + 1
    assert first["pid"] == row(pm2sd, f"{project.name('a')}@0")["pid"]
    assert first["monit"].keys() == {"memory", "cpu"}
    assert first["monit"]["memory"] > 100_000
    env = second["pm2_env"]
    expected = {
        "name": project.name("a"),
        "namespace": "default",
        "status": "online",
        "pm_id": second["pm_id"],
        "exec_mode": "fork_mode",
        "instances": 2,
        "restart_time": 0,
        "unstable_restarts": 0,
        "NODE_APP_INSTANCE": 1,
        "COLOUR": "blue",
        "pm_exec_path": str(script),
        "exec_interpreter": sys.executable,
        "args": ["one", "two words"],
        "node_args": [],
        "pm_out_log_path": str(project.path / "out-1.log"),
        "version": "1.2.3",
        "autorestart": True,
        "watch": False,
        "max_memory_restart": 100 << 20,
        "kill_timeout": 3000,
    }
    assert {key: env.get(key) for key in expected} == expected
    assert env["env"]["PORT"] == "8001"
    assert env["env"]["TOKEN"] == "********"
    assert env["created_at"] == env["pm_uptime"]
    assert before - 2 < env["pm_uptime"] / 1000 < time.time()
    assert "pm_err_log_path" not in env, "stderr goes to the journal"
    assert "not to be seen" not in pm2sd("jlist").stdout


def test_prettylist_says_the_same_in_javascript(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"env": {"GREETING": 'it\'s "fine" `here`\n\\'}})
    pretty = pm2sd("prettylist").stdout
    for line in ("    name: '{}',", "      status: 'online',", "      restart_time: 0,"):
        assert line.format(project.name("a")) in pretty.splitlines()
    parse = "process.stdout.write(JSON.stringify(eval(require('fs').readFileSync(0, 'utf8'))))"
    values = json.loads(run("node", "-e", parse, input=pretty).stdout)
    (element,) = [one for one in values if one["name"] == project.name("a")]
    (expected,) = elements(pm2sd, project.name("a"))
    assert element["pm2_env"]["env"] == expected["pm2_env"]["env"]


def test_pid_and_id_print_one_number_on_a_line(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"instances": 2}, {"name": "off", "autostart": False})
    found = rows(pm2sd, project.name("a"))
    assert pm2sd("pid", project.name("a")).stdout == "".join(f"{one['pid']}\n" for one in found)
    assert pm2sd("id", project.name("a")).stdout == "".join(f"{one['id']}\n" for one in found)
    assert pm2sd("pid", project.name("a"), "--json").json == [one["pid"] for one in found]
    assert pm2sd("id", f"{project.name('a')}@1", "--json").json == [found[1]["id"]]
    assert pm2sd("pid", project.name("off")).stdout == "0\n"


def test_names_are_shown_as_they_were_written(pm2sd: Pm2sd, project: Project) -> None:
    name = f"@{project.prefix}/my app-2"
    apps = [{"name": name, "script": "sleep", "args": "infinity"}]
    assert pm2sd("apply", project.ecosystem(apps)).exit_status == ExitStatus.OK
    found = row(pm2sd, name)
    assert found["name"] == name
    assert found["memory"] > 100_000, "its control group was found"
    assert name in pm2sd("status").stdout


def imports(*command: str) -> set[str]:
    """The modules that a command imports, Python's own included."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pm2sd", *command],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pm2sd.cli.commands" in imported, "it is seen what is imported"
    return imported


@pytest.mark.parametrize("command", [("status",), ("jlist",), ("pid",), ("--version",)])
def test_quick_commands_import_nothing_slow(pm2sd: Pm2sd, command: tuple[str, ...]) -> None:
    imported = imports(*command)
    slow = {"jinja2", "yaml", "rich", "textual", "psutil", "asyncio", "pydantic", "lxml", "hashlib"}
    assert not slow & {name.partition(".")[0] for name in imported}
    assert not {
        name for name in imported if name.startswith(("pm2sd.ecosystem.o", "pm2sd.units.r"))
    }


@pytest.mark.parametrize("command", ["status", "list", "ls"])
def test_the_bare_list_imports_less(pm2sd: Pm2sd, project: Project, command: str) -> None:
    apply(pm2sd, project, {})
    imported = imports(command)
    assert "pm2sd.observe.status" in imported
    slow = {"typer", "click", "pathlib", "shutil", "subprocess", "tempfile", "logging", "argparse"}
    assert not slow & {name.partition(".")[0] for name in imported}
    assert not {name for name in imported if name.startswith(("pm2sd.ecosystem", "pm2sd.control"))}
