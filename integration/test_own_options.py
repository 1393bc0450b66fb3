"""Options that PM2 does not have, on a real user manager: limits, directives of one's own."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from integration.harness import Pm2sd, Project, eventually, properties
from pm2sd.errors import ExitStatus


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


def test_strict_refuses_what_is_approximate(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([sleeper(project, io_weight=50)])
    result = pm2sd("apply", file, "--strict")
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert "io_weight is approximate: it works only where" in result.stderr
    assert project.unit_files() == []
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
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
