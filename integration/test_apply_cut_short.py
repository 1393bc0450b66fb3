"""An apply that cannot go on: Ctrl-C, a full disk. How things stand is said, and stays whole."""

from __future__ import annotations

import shlex
import signal
import subprocess
from typing import Any

from integration.harness import Pm2sd, Project, eventually, properties, run
from pm2sd.errors import ExitStatus
from pm2sd.systemd.lock import apply_lock
from pm2sd.systemd.paths import unit_directory

SLEEPER: dict[str, Any] = {"script": "sleep", "args": "infinity", "exec_mode": "fork"}


def state(unit: str) -> str:
    return properties(unit, "ActiveState")["ActiveState"]


def pid(name: str, number: int = 0) -> str:
    return properties(f"{name}@{number}.service", "MainPID")["MainPID"]


def contents(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in project.unit_files() if path.is_file()}


def test_ctrl_c_says_how_things_stand_and_the_next_apply_finishes_it(
    pm2sd: Pm2sd, project: Project
) -> None:
    app = project.write(
        "slow.sh",
        "#!/bin/sh\nuntil [ -e go ]; do sleep 0.1; done\nsystemd-notify --ready\nexec sleep 1000\n",
    )
    slow = {"name": project.name("slow"), "script": str(app), "wait_ready": True}
    file = project.ecosystem([{**slow, "listen_timeout": 60_000, "exec_mode": "fork"}])
    unit = f"{project.name('slow')}@0.service"
    with subprocess.Popen(
        pm2sd.command("apply", file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        eventually(lambda: state(unit) == "activating")
        process.send_signal(signal.SIGINT)
        assert process.stderr
        said = process.stderr.read().splitlines()
        assert process.wait(timeout=60) == ExitStatus.INTERRUPTED
    assert said[-1] == (
        "interrupted: the unit files are written, and what systemd was asked to start goes on "
        "starting; the next apply or start finishes what is left"
    )
    project.write("go", "")
    finished = pm2sd("apply", file)
    assert finished.exit_status == ExitStatus.OK, finished
    assert state(unit) == "active"


def test_ctrl_c_while_waiting_for_another_changes_nothing(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([{**SLEEPER, "name": project.name("a")}])
    with (
        apply_lock(),
        subprocess.Popen(
            pm2sd.command("apply", file),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr
        assert "waiting for another pm2sd" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "interrupted: nothing was changed\n"
        assert process.wait(timeout=60) == ExitStatus.INTERRUPTED
    assert project.unit_files() == []


def test_a_full_disk_leaves_units_and_apps_as_they_were(pm2sd: Pm2sd, project: Project) -> None:
    name = project.name("a")
    file = project.ecosystem([{**SLEEPER, "name": name, "instances": 2}])
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    before = pid(name), pid(name, 1)
    units = contents(project)
    # Fewer instances, another variable, one app more: something to stop, restart, write.
    project.ecosystem(
        [
            {**SLEEPER, "name": name, "env": {"BIG": "x" * 9000}},
            {**SLEEPER, "name": project.name("b"), "env": {"BIG": "x" * 90000}},
        ]
    )
    # A small disk in place of the unit directory, for this process alone, with the same units.
    directory = shlex.quote(str(unit_directory()))
    done = run(
        *("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "bash", "-euc"),
        f"""
        cp -a {directory} copy
        mount -t tmpfs -o size=64k,mode=0700 none {directory}
        cp -a copy/{project.prefix}* {directory}/
        (cd {directory} && ls -A1R) >before
        status=0
        {shlex.join(pm2sd.command("apply", file))} || status=$?
        (cd {directory} && ls -A1R) >after
        for file in {directory}/{project.prefix}*; do
            [ -d "$file" ] || cmp "$file" "copy/${{file##*/}}"
        done
        exit $status
        """,
        cwd=project.path,
    )  # fmt: skip
    assert done.exit_status == ExitStatus.FAILED, done
    assert "error: cannot write" in done.stderr
    assert "No space left on device" in done.stderr
    assert "hint: make room on that disk: df -h" in done.stderr
    assert "Traceback" not in done.stderr
    assert (project.path / "before").read_text() == (project.path / "after").read_text()
    assert contents(project) == units
    assert (pid(name), pid(name, 1)) == before, "nothing was stopped or restarted"
    # With room again the same file is applied.
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    assert state(f"{name}@1.service") == "inactive"
    assert state(f"{project.name('b')}@0.service") == "active"
