"""Options that PM2 does not have, on a real user manager: limits, directives of one's own."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, kill, properties, run
from pm2sd.errors import ExitStatus
from pm2sd.systemd.exits import Message


def sleeper(project: Project, **options: Any) -> dict[str, Any]:
    """An app that does nothing, quickly started."""
    return {"name": project.name(), "script": "sleep", "args": "infinity", **options}


def applied(pm2sd: Pm2sd, project: Project, *apps: dict[str, Any]) -> str:
    result = pm2sd("apply", project.ecosystem(list(apps)))
    assert result.exit_status == ExitStatus.OK, result
    return result.stdout


def shown(project: Project, *names: str) -> tuple[str, ...]:
    """Properties of the first instance, in the order asked for."""
    found = properties(f"{project.name()}@0.service", *names)
    return tuple(found[name] for name in names)


def dumped(path: Path, *names: str) -> tuple[str | None, ...]:
    """Variables of the process that integration/apps/dump.py is."""
    record = json.loads(eventually(path.read_text))
    environ = {b64decode(name): b64decode(value) for name, value in record["environ"].items()}
    found = (environ.get(name.encode()) for name in names)
    return tuple(None if value is None else value.decode() for value in found)


LIMITS = ("CPUQuotaPerSecUSec", "IOWeight", "TasksMax")


def test_limits_are_in_force_and_change_without_a_restart(pm2sd: Pm2sd, project: Project) -> None:
    applied(pm2sd, project, sleeper(project, cpu_quota="33.33%", io_weight=50, tasks_max=7, nice=5))
    assert shown(project, *LIMITS) == ("333.300ms", "50", "7")
    pid = shown(project, "MainPID")[0]
    with open(f"/proc/{pid}/stat") as stat:
        assert stat.read().rpartition(")")[2].split()[16] == "5"
    applied(pm2sd, project, sleeper(project, cpu_quota=150, io_weight=60, tasks_max=8, nice=5))
    assert shown(project, *LIMITS, "MainPID") == ("1.500000s", "60", "8", pid)
    text = pm2sd("describe", project.name()).stdout
    assert "CPUQuota" in text
    assert "150%" in text
    applied(pm2sd, project, sleeper(project, nice=6))
    assert shown(project, "CPUQuotaPerSecUSec", "Nice") == ("infinity", "6")
    assert shown(project, "MainPID")[0] != pid


def test_directives_of_ones_own_reach_systemd_as_they_are(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "log"
    unit: dict[str, Any] = {
        "Unit": {"Documentation": ["https://example.org/a", "https://example.org/b"]},
        "Service": {
            "LimitNOFILE": 4321,
            "ExecStartPost": f'/bin/sh -c \'echo "$$0 $$1" >>{log}\' %i "two words"',
            "OOMScoreAdjust": "200",
        },
    }
    applied(pm2sd, project, sleeper(project, unit=unit))
    assert shown(project, "Documentation", "LimitNOFILE", "OOMScoreAdjust") == (
        "https://example.org/a https://example.org/b",
        "4321",
        "200",
    )
    assert eventually(log.read_text) == "0 two words\n"
    pid = shown(project, "MainPID")[0]
    with open(f"/proc/{pid}/limits") as limits:
        assert "Max open files            4321" in limits.read()
    assert "unchanged" in applied(pm2sd, project, sleeper(project, unit=unit))
    unit["Service"]["CPUWeight"] = 50
    applied(pm2sd, project, sleeper(project, unit=unit))
    assert shown(project, "CPUWeight", "MainPID") == ("50", pid)


def test_a_directive_that_is_pm2sds_changes_nothing(pm2sd: Pm2sd, project: Project) -> None:
    app = sleeper(project, unit={"Service": {"ExecStart": "/bin/true", "User": "root"}})
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert result.stderr.count("is written by pm2sd itself") == 2
    assert "the option script says it" in result.stderr
    assert project.unit_files() == []


def test_a_slip_in_a_directive_is_told_where_systemd_says_nothing(
    pm2sd: Pm2sd, project: Project
) -> None:
    app = sleeper(project, unit={"Service": {"LimitNOFILES": 1}})
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert "this systemd knows no LimitNOFILES= in [Service]" in result.stderr
    assert "did you mean LimitNOFILE?" in result.stderr


def test_strict_refuses_what_is_approximate(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([sleeper(project, io_weight=50)])
    result = pm2sd("apply", file, "--strict")
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert "io_weight is approximate: it works only where" in result.stderr
    assert project.unit_files() == []
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    # What only the translation knows counts as well.
    readiness = {project.name("other"): {"condition": "ready"}}
    other = sleeper(project) | {"name": project.name("other")}
    waiting = project.ecosystem([sleeper(project, depends_on=readiness), other])
    assert "wait_ready" in pm2sd("apply", waiting, "--strict").stderr
    exact = project.ecosystem([sleeper(project)])
    assert pm2sd("apply", exact, "--strict").exit_status == ExitStatus.OK


ENV_FILE = """\
# a comment
export A=plain # gone
B='kept $HOME "quotes" # here'
C="two
lines \\n and \\"more\\""
D=`a\\b`
E=file
F=file
G=
"""


def test_a_file_of_variables_reaches_the_app_and_nobody_else(
    pm2sd: Pm2sd, project: Project
) -> None:
    file = project.write(".env", ENV_FILE)
    dump = project.path / "dump"
    app = {
        "name": project.name(),
        "script": project.script("dump.py"),
        "cwd": str(project.path),
        "env_file": [".env", "-.env.local"],
        "env": {"DUMP_TO": str(dump), "E": "env"},
        "secrets": {"F": "secret"},
    }
    applied(pm2sd, project, app)
    assert dumped(dump, "A", "B", "C", "D", "E", "F", "G") == (
        "plain",
        'kept $HOME "quotes" # here',
        'two\nlines \n and \\"more\\"',
        "a\\b",
        "env",
        "secret",
        "",
    )
    for command in ("cat", "describe", "env"):
        assert "kept $HOME" not in pm2sd(command, project.name()).stdout
    dump.unlink()
    file.write_text(ENV_FILE.replace("plain", "changed"))
    assert "secrets" in applied(pm2sd, project, app)
    assert dumped(dump, "A") == ("changed",)
    assert "unchanged" in applied(pm2sd, project, app)
    file.write_text("A=1\nno assignment\n")
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert f"{file}:2:1" in result.stderr


LATE = """\
import os, socket, time, pathlib
name = pathlib.Path(os.environ["NOTE"])
time.sleep(float(os.environ["AFTER"]))
with name.open("a") as note:
    note.write(os.environ["WHO"] + " ready\\n")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.connect(os.environ["NOTIFY_SOCKET"])
    notify.send(b"READY=1")
time.sleep(1000)
"""


def test_an_app_waits_until_what_it_depends_on_is_ready(pm2sd: Pm2sd, project: Project) -> None:
    project.write("late.py", LATE)
    note = project.path / "note"

    def app(who: str, after: str, **options: Any) -> dict[str, Any]:
        env = {"NOTE": str(note), "WHO": who, "AFTER": after}
        late = {"script": "late.py", "wait_ready": True, "listen_timeout": 60_000}
        return {"name": project.name(who), "env": env} | late | options

    web = app("web", "0", depends_on={project.name("api"): {"condition": "ready"}})
    api = app("api", "0.3", depends_on=[project.name("db")])
    database = app("db", "0.6", instances=2, increment_var="N")
    applied(pm2sd, project, web, api, database)
    in_order = "db ready\ndb ready\napi ready\nweb ready\n"
    assert note.read_text() == in_order

    # Everything restarted by one apply is restarted in that order, too.
    note.unlink()
    applied(
        pm2sd, project, *({**one, "env": {**one["env"], "V": "2"}} for one in (web, api, database))
    )
    assert note.read_text() == in_order

    # Starting the last starts them all; stopping the first stops nobody else.
    names = [one["name"] for one in (web, api, database)]
    assert pm2sd("stop", *names).exit_status == ExitStatus.OK
    note.unlink()
    assert pm2sd("start", names[0]).exit_status == ExitStatus.OK
    assert note.read_text() == in_order
    assert pm2sd("stop", names[2]).exit_status == ExitStatus.OK
    for name, state in zip(names, ("active", "active", "inactive"), strict=True):
        assert properties(f"{name}@0.service", "ActiveState")["ActiveState"] == state
    # Neither does a crash of the others bring it back.
    pid = properties(f"{names[0]}@0.service", "MainPID")["MainPID"]
    kill(int(pid))
    eventually(lambda: properties(f"{names[0]}@0.service", "NRestarts")["NRestarts"] == "1")
    eventually(lambda: note.read_text() == in_order + "web ready\n")
    assert properties(f"{names[2]}@0.service", "ActiveState")["ActiveState"] == "inactive"


def test_an_unknown_dependency_and_a_cycle_change_nothing(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem(
        "apps:\n"
        "  - {name: a, script: sleep, args: infinity, depends_on: [bee]}\n"
        "  - {name: b, script: sleep, args: infinity, depends_on: b}\n"
    )
    result = pm2sd("apply", file)
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert "ecosystem.yaml:2:59" in result.stderr
    assert "no app is called 'bee'" in result.stderr
    assert "b -> b" in result.stderr


def test_a_command_is_run_once_when_systemd_gives_up(pm2sd: Pm2sd, project: Project) -> None:
    said = project.path / "said"
    words = "$PM2SD_APP $PM2SD_INSTANCE $MONITOR_SERVICE_RESULT $MONITOR_EXIT_STATUS $MONITOR_UNIT"
    app = {
        "name": project.name(),
        "script": "/bin/sh",
        "args": ["-c", "exit 7"],
        "max_restarts": 3,
        "min_uptime": "10s",  # a machine that is held up may take more than a second to a run
        "on_failure": f'echo "{words}" 100% >>{said}',
    }
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.FAILED
    unit = f"{project.name()}@0.service"
    eventually(lambda: properties(unit, "ActiveState")["ActiveState"] == "failed")
    assert eventually(said.read_text) == f"{project.name()} 0 exit-code 7 {unit} 100%\n"

    # A stop by hand is no failure, and what is deleted leaves nothing.
    said.unlink()
    applied(pm2sd, project, sleeper(project, on_failure=["touch", str(said)]))
    assert pm2sd("stop", project.name()).exit_status == ExitStatus.OK
    assert pm2sd("delete", project.name()).exit_status == ExitStatus.OK
    assert not said.exists()
    assert project.unit_files() == []


@pytest.mark.parametrize("stops", ["exit 1", "", "exit 0"], ids=["fails", "killed", "well"])
def test_what_somebody_stopped_is_no_failure_however_it_ends(
    pm2sd: Pm2sd, project: Project, tmp_path: Path, stops: str
) -> None:
    """Celery and many others exit with 1 when they are told to stop."""
    name = project.name()
    said = tmp_path / "said"
    script = project.write("app.sh", f"trap '{stops}' INT\necho up\nwhile :; do sleep 0.1; done\n")
    app = {"script": str(script), "kill_timeout": 300, "on_failure": f"echo told >>{said}"}
    applied(pm2sd, project, {"name": name, **app})

    def printed(*match: str) -> int:
        lines = run("journalctl", "--user", "--quiet", "--output=cat", *match).stdout
        return len(lines.splitlines())

    for number, command in enumerate(("restart", "stop"), start=1):
        eventually(lambda: printed(f"SYSLOG_IDENTIFIER={name}@0") >= number)  # noqa: B023
        assert pm2sd(command, name).exit_status == ExitStatus.OK
        if stops != "exit 0":  # what systemd calls a failure: its handler has run to its end
            done = (f"USER_UNIT={name}:failed@0.service", f"MESSAGE_ID={Message.STARTED}")
            eventually(lambda: printed(*done) == number)  # noqa: B023
    assert not said.exists()
