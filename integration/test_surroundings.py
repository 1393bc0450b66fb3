"""What goes wrong around a command: killed runs of others, units of others, output nobody takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from integration.harness import Pm2sd, Project, properties, run, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import runtime_directory
from pm2sd.systemd.pending import now


def test_an_apply_of_one_app_leaves_what_a_killed_one_owes_to_another(
    pm2sd: Pm2sd, project: Project
) -> None:
    owed, other = project.name("owed"), project.name("other")
    one = project.ecosystem([{"name": owed, "script": "sleep", "args": "infinity"}])
    assert pm2sd("apply", one).exit_status == ExitStatus.OK
    pid = pm2sd("pid", owed).stdout
    note = runtime_directory() / "pending.json"
    note.write_text(json.dumps({f"{owed}@0.service": now()}))
    two = project.path / "other.json"
    two.write_text(json.dumps([{"name": other, "script": "sleep", "args": "infinity"}]))
    assert pm2sd("apply", two).exit_status == ExitStatus.OK
    applied = pm2sd("apply", one)
    assert f"restart {owed}@0" in applied.stdout, applied
    assert pm2sd("pid", owed).stdout != pid
    assert not note.exists()


def test_an_instance_that_is_somebody_elses_unit_is_refused(pm2sd: Pm2sd, project: Project) -> None:
    name = project.name("theirs")
    unit = f"{name}@0.service"
    assert run("systemd-run", "--user", f"--unit={unit}", "sleep", "infinity").exit_status == 0
    try:
        file = project.ecosystem([{"name": name, "script": "sleep", "args": "infinity"}])
        refused = pm2sd("apply", file)
        assert refused.exit_status == ExitStatus.INVALID_CONFIG, refused
        assert unit in refused.stderr
        assert project.unit_files() == []
        assert properties(unit, "ActiveState") == {"ActiveState": "active"}
    finally:
        systemctl("stop", unit)


@pytest.mark.parametrize("command", [["status"], ["jlist"], ["schema"], ["status", "--json"]])
def test_output_that_cannot_be_written_is_an_error(
    pm2sd: Pm2sd, project: Project, command: list[str]
) -> None:
    file = project.ecosystem([{"name": project.name("a"), "script": "sleep", "args": "infinity"}])
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(pm2sd.command(*command), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == ExitStatus.FAILED
    assert done.stderr.decode() == f"error: cannot write the output: {os.strerror(28)}\n"


@pytest.mark.parametrize("command", [["start", "app.js"], ["apply"]])
def test_a_directory_that_was_removed_is_an_error(
    pm2sd: Pm2sd, project: Project, command: list[str]
) -> None:
    leave = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    done = run("sh", "-c", leave, "sh", *pm2sd.command(*command), cwd=project.path)
    assert done.exit_status == ExitStatus.FAILED
    assert done.stderr.splitlines() == [
        "error: the current directory was removed",
        '  hint: cd into one that is there, or again: cd "$PWD"',
    ]


def test_a_closed_standard_output_is_nothing_to_complain_of(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([{"name": project.name("a"), "script": "sleep", "args": "infinity"}])
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    done = run("sh", "-c", 'exec "$@" <&- >&-', "sh", *pm2sd.command("status"))
    assert (done.exit_status, done.stderr) == (ExitStatus.OK, "")


def test_an_app_that_ends_well_and_again_and_again_is_told_as_that(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name("brief")
    applied = pm2sd("apply", project.ecosystem([{"name": name, "script": "true"}]))
    assert applied.exit_status == ExitStatus.FAILED
    assert re.search(f"error: {name}@0 (ended|exited with code 0) right after", applied.stderr)


def test_explain_as_json(pm2sd: Pm2sd) -> None:
    (found,) = pm2sd("explain", "--json", "maxMemoryRestart").json
    assert found["name"] == "max_memory_restart"
    assert found["fidelity"] == "better"
    assert "MemoryMax=" in found["becomes"]
