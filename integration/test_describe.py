"""describe, env, cat and which against a real user manager."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, free_port, properties, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.observe.status import FLAPPING
from pm2sd.systemd.paths import unit_directory

SECRET = "hunter2 is not to be seen"


def apply(
    pm2sd: Pm2sd, project: Project, *, status: ExitStatus | None = ExitStatus.OK, **options: Any
) -> None:
    """Applies one app; ``status``: how apply must end, None for any way."""
    base = {"name": project.name("a"), "script": "sleep", "args": "infinity", "exec_mode": "fork"}
    result = pm2sd("apply", project.ecosystem([{**base, **options}]))
    assert status is None or result.exit_status == status, result


def description(pm2sd: Pm2sd, project: Project) -> dict[str, Any]:
    result = pm2sd("describe", project.name("a"), "--json")
    assert result.exit_status == ExitStatus.OK, result
    (found,) = result.json
    assert isinstance(found, dict)
    return found


def fact(pm2sd: Pm2sd, project: Project, key: str) -> str:
    """The value on a line of the text."""
    for line in pm2sd("describe", project.name("a")).stdout.splitlines():
        if line.startswith(f"  {key} "):
            return line.removeprefix(f"  {key}").strip()
    raise AssertionError(f"there is no line {key!r}")


def test_the_text_has_what_scripts_for_pm2_look_for(pm2sd: Pm2sd, project: Project) -> None:
    script = project.write("app.py", "import signal\nsignal.pause()\n")
    apply(
        pm2sd,
        project,
        script=str(script),
        interpreter=sys.executable,
        args=["a b", "c"],
        env={"NODE_ENV": "production"},
        out_file=str(project.path / "out.log"),
    )
    pid = properties(f"{project.name('a')}@0.service", "MainPID")["MainPID"]
    facts = {
        "status": "online",
        "name": project.name("a"),
        "namespace": "default",
        "pid": pid,
        "restarts": "0",
        "script path": str(script),
        "script args": "'a b' c",
        "interpreter": sys.executable,
        "exec cwd": str(project.path),
        "exec mode": "fork",
        "node env": "production",
        "out log path": str(project.path / "out.log"),
        "error log path": "journal",
        "version": "N/A",
    }
    assert {key: fact(pm2sd, project, key) for key in facts} == facts
    for spelling in ("show", "info", "desc"):
        assert pm2sd(spelling, project.name("a")).exit_status == ExitStatus.OK


@pytest.mark.parametrize(
    ("arguments", "words", "code", "number"),
    [("3", "exited with code 3", 3, None), ("0", "exited with code 0", 0, None)],
)
def test_it_tells_how_the_instance_last_ended(
    pm2sd: Pm2sd,
    project: Project,
    arguments: str,
    words: str,
    code: int | None,
    number: int | None,
) -> None:
    before = time.time()
    options = {"script": project.script("exits.py"), "args": arguments}
    apply(pm2sd, project, status=None, **options, restart_delay=600_000)
    eventually(lambda: description(pm2sd, project)["state"] == "waiting restart")
    last = eventually(lambda: description(pm2sd, project)["last_exit"])
    assert last["words"] == words
    assert (last["code"], last["signal"], last["requested"]) == (code, number, False)
    assert before <= last["time"] <= time.time()
    assert fact(pm2sd, project, "last exit").startswith(f"{words}, 20")


def test_it_tells_by_which_signal_a_running_instance_was_restarted(
    pm2sd: Pm2sd, project: Project
) -> None:
    apply(pm2sd, project)
    assert description(pm2sd, project)["last_exit"] is None
    systemctl("kill", "--signal=KILL", f"{project.name('a')}@0.service")
    eventually(lambda: description(pm2sd, project)["restarts"] == 1)
    last = eventually(lambda: description(pm2sd, project)["last_exit"])
    assert (last["words"], last["signal"]) == ("was killed by SIGKILL", signal.SIGKILL)


def test_it_tells_how_the_last_lives_ended(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, max_restarts=50)
    unit = f"{project.name('a')}@0.service"
    for number, name in enumerate(("KILL", "SEGV", "KILL"), 1):
        systemctl("kill", f"--signal={name}", unit)
        eventually(lambda: description(pm2sd, project)["restarts"] == number)  # noqa: B023
        eventually(lambda: properties(unit, "ActiveState") == {"ActiveState": "active"})
    assert pm2sd("restart", project.name("a")).exit_status == ExitStatus.OK

    def told() -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = description(pm2sd, project)["history"]
        assert len(history) == 4
        return history

    history = eventually(told)
    assert [end["signal"] for end in history[1:]] == [9, 11, 9]
    assert history[0]["requested"] is True
    times = [end["time"] for end in history]
    assert times == sorted(times, reverse=True)
    shown = pm2sd("describe", project.name("a")).stdout
    section = shown.partition("Last ends\n")[2].partition("\n\n")[0].splitlines()
    assert [line.strip().partition(", 20")[0] for line in section] == [
        "stopped on request",
        "was killed by SIGKILL",
        "was killed by SIGSEGV",
        "was killed by SIGKILL",
    ]


def test_an_app_that_restarts_again_and_again_is_marked(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, max_restarts=50)
    unit = f"{project.name('a')}@0.service"

    def row() -> dict[str, Any]:
        (found,) = pm2sd("status", project.name("a"), "--json").json
        return dict(found)

    for number in range(1, FLAPPING + 1):
        assert row()["flapping"] is False
        systemctl("kill", "--signal=KILL", unit)
        eventually(lambda: row()["restarts"] == number and row()["state"] == "online")  # noqa: B023
    assert eventually(lambda: row()["flapping"])
    assert " online (flapping) " in pm2sd("status", project.name("a")).stdout
    assert fact(pm2sd, project, "status") == "online (flapping)"
    assert pm2sd("restart", project.name("a")).exit_status == ExitStatus.OK
    assert row()["flapping"] is False


def test_it_tells_that_somebody_stopped_it(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    assert pm2sd("stop", project.name("a")).exit_status == ExitStatus.OK
    last = eventually(lambda: description(pm2sd, project)["last_exit"])
    assert last["requested"] is True
    assert last["words"] == "stopped on request"
    assert fact(pm2sd, project, "status") == "stopped"


def test_it_tells_that_systemd_gave_up(pm2sd: Pm2sd, project: Project) -> None:
    apply(
        pm2sd,
        project,
        status=ExitStatus.FAILED,
        script=project.script("exits.py"),
        args="9",
        max_restarts=2,
        min_uptime="10s",
    )
    eventually(lambda: description(pm2sd, project)["state"] == "errored")
    eventually(lambda: fact(pm2sd, project, "restarts").endswith("then systemd gave up"))
    eventually(lambda: fact(pm2sd, project, "last exit").startswith("exited with code 9"))


def test_limits_are_those_in_force(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, max_memory_restart="300M", kill_timeout=2500, max_restarts=7)
    limits = description(pm2sd, project)["limits"]
    assert limits["MemoryMax"] == 300 << 20
    assert limits["MemorySwapMax"] == 0
    assert limits["TimeoutStopSec"] == 2_500_000
    assert limits["StartLimitBurst"] == 7
    assert limits["MemoryHigh"] is None
    unit = f"{project.name('a')}@0.service"
    tasks = properties(unit, "TasksMax")["TasksMax"]
    assert limits["TasksMax"] == (None if tasks == "infinity" else int(tasks))
    systemctl("set-property", "--runtime", unit, "MemoryMax=200M")
    assert fact(pm2sd, project, "MemoryMax").startswith("200.0mb")


def test_files_drop_ins_and_what_was_done_to_them(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    found = description(pm2sd, project)
    assert [Path(path).name for path in found["files"]] == [
        f"{project.name('a')}.target",
        f"{project.name('a')}@.service",
    ]
    assert (found["edited"], found["drop_ins"], found["needs_reload"]) == ([], [], False)
    template = unit_directory() / f"{project.name('a')}@.service"
    drop_in = unit_directory() / f"{template.name}.d" / "mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nEnvironment=MINE=1\n")
    found = description(pm2sd, project)
    assert found["drop_ins"] == [str(drop_in)]
    assert found["needs_reload"] is True
    assert fact(pm2sd, project, "your drop-in") == str(drop_in)
    systemctl("daemon-reload")
    assert description(pm2sd, project)["needs_reload"] is False
    template.write_text(template.read_text().replace("Restart=always", "Restart=no"))
    found = description(pm2sd, project)
    assert found["edited"] == [str(template)]
    assert f"{template} (edited by hand)" in pm2sd("describe", project.name("a")).stdout


def test_it_tells_the_ports(pm2sd: Pm2sd, project: Project) -> None:
    port = free_port()
    apply(pm2sd, project, script=project.script("http_server.js"), args="", env={"PORT": str(port)})
    eventually(lambda: description(pm2sd, project)["ports"] == [f"tcp 127.0.0.1:{port}"])
    assert fact(pm2sd, project, "listens on") == f"tcp 127.0.0.1:{port}"


def test_it_repeats_the_notes_of_the_translation(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, watch=True, ignore_watch=["logs"], vizion=True)
    notes = {note["option"]: note for note in description(pm2sd, project)["notes"]}
    assert notes["ignore_watch"]["fidelity"] == "better"
    assert notes["vizion"]["fidelity"] == "no effect"
    assert fact(pm2sd, project, "vizion").startswith("no effect: ")


def test_commands_that_do_the_same_work(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    commands = description(pm2sd, project)["commands"]
    assert f"systemctl --user restart {project.name('a')}@0.service" in commands
    assert f"journalctl --user --identifier={project.name('a')}@0 --follow" in commands


def test_secrets_are_shown_only_where_asked_for(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, secrets={"TOKEN": SECRET}, env={"PLAIN": "yes"})
    name = project.name("a")
    for command in ("describe", "env", "cat", "which"):
        for options in ((), ("--json",)):
            result = pm2sd(command, name, *options)
            assert result.exit_status == ExitStatus.OK, result
            assert SECRET not in result.stdout + result.stderr
    assert "TOKEN: ********\n" in pm2sd("env", name).stdout
    assert 'TOKEN="********"\n' in pm2sd("cat", name).stdout
    assert f"TOKEN: {SECRET}\n" in pm2sd("env", name, "--reveal").stdout
    assert f'TOKEN="{SECRET}"\n' in pm2sd("cat", name, "--reveal").stdout
    pid = properties(f"{name}@0.service", "MainPID")["MainPID"]
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert f"TOKEN={SECRET}".encode() in environ, "the app has it"
    secrets = unit_directory() / f"{name}@.service.d/secrets.env"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600


def test_env_is_what_the_next_start_gets(pm2sd: Pm2sd, project: Project) -> None:
    apply(
        pm2sd,
        project,
        instances=2,
        env={"GREETING": "a: b=c", "PERCENT": "100%", "PORT": "80"},
        increment_var="PORT",
    )
    name = project.name("a")
    drop_in = unit_directory() / f"{name}@.service.d/mine.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("[Service]\nEnvironment=MINE=1 GREETING=other\n")
    systemctl("daemon-reload")
    (identity,) = pm2sd("id", f"{name}@1").stdout.split()
    result = pm2sd("env", identity)
    shown = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    expected = {"MINE": "1", "GREETING": "other", "PERCENT": "100%", "PORT": "81",
                "NODE_APP_INSTANCE": "1"}  # fmt: skip
    assert {key: shown.get(key) for key in expected} == expected
    assert result.stderr == f"{name}@1 still runs with other values of: GREETING, MINE\n"
    assert pm2sd("restart", name).exit_status == ExitStatus.OK
    assert pm2sd("env", identity).stderr == ""
    both = pm2sd("env", name, "--json").json
    assert [one["env"]["PORT"] for one in both] == ["80", "81"]
    assert f"# {name}@1\n" in pm2sd("env", name).stdout


def test_cat_prints_files_and_drop_ins_as_they_are(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2, increment_var="N")
    name = project.name("a")
    drop_in = unit_directory() / f"{name}@.service.d/mine.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("[Service]\nNice=1\n")
    files = [f"{name}.target", f"{name}@.service", f"{name}@1.service.d/10-pm2sd.conf"]
    paths = [*(unit_directory() / file for file in files), drop_in]
    shown = pm2sd("cat", f"{name}@1").stdout
    for path in paths:
        assert f"# {path}\n{path.read_text()}" in shown
    assert f"{name}@0.service.d" not in shown
    found = {one["path"]: one["text"] for one in pm2sd("cat", f"{name}@1", "--json").json}
    assert found == {str(path): path.read_text() for path in paths}


def test_which_prints_units_files_and_the_program(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, script=str(project.write("x.py", "input()\n")), interpreter="python3",
          autostart=False)  # fmt: skip
    name = project.name("a")
    found = pm2sd("which", name, "--json").json
    assert found["units"] == {
        f"{name}.target": str(unit_directory() / f"{name}.target"),
        f"{name}@0.service": str(unit_directory() / f"{name}@.service"),
    }
    assert os.access(found["programs"][name], os.X_OK)
    assert found["programs"][name] in pm2sd("which", name).stdout


@pytest.mark.parametrize("command", ["describe", "env", "cat", "which"])
def test_an_unknown_app_exits_4(pm2sd: Pm2sd, project: Project, command: str) -> None:
    apply(pm2sd, project, autostart=False)
    result = pm2sd(command, f"{project.name('a')}x")
    assert (result.exit_status, result.stdout) == (ExitStatus.NO_SUCH_APP, "")
    assert repr(project.name("a")) in result.stderr
    assert pm2sd(command).exit_status == ExitStatus.USAGE


@pytest.mark.parametrize("command", ["cat", "which"])
def test_files_are_shown_without_a_manager(
    pm2sd: Pm2sd, project: Project, command: str, tmp_path: Path
) -> None:
    apply(pm2sd, project, autostart=False)
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": None}
    assert pm2sd(command, project.name("a"), env=nowhere).exit_status == ExitStatus.OK
    missing = pm2sd("describe", project.name("a"), env=nowhere)
    assert missing.exit_status == ExitStatus.NO_USER_MANAGER


def test_json_is_one_document(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=3)
    found = json.loads(pm2sd("describe", project.name("a"), "--json").stdout)
    assert [one["instance"] for one in found] == [0, 1, 2]
