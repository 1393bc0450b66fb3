"""Restart=, the start limit, exit codes, stop signals: as PM2 means them, by a real systemd."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

from integration.harness import Pm2sd, Project, eventually, kill, properties, systemctl
from pm2sd.control.session import session
from pm2sd.control.settle import settle
from pm2sd.errors import ExitStatus

BRIEF: dict[str, Any] = {"min_uptime": "10s"}
"""A run of less counts; a machine that is held up may take more than the usual second to one."""

# Else what does not get the processor at once is killed before it has heard of its signal.
PATIENT: dict[str, Any] = {"kill_timeout": 60_000}


def unit(project: Project) -> str:
    return f"{project.name()}@0.service"


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> int:
    app = {"name": project.name(), **options}
    return pm2sd("apply", project.ecosystem([app])).exit_status


def starts(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def counting(project: Project, log: Path, then: str) -> str:
    """A script that adds a line to a file at each start."""
    return str(project.write("app.sh", f"echo $(cat /proc/uptime) >> {log}\n{then}\n"))


def test_a_crash_loop_ends_after_max_restarts_starts(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    """PM2 counts the same: 16 starts by default, the 16th short run is the last."""
    log = tmp_path / "starts"
    script = counting(project, log, "exit 1")
    assert apply(pm2sd, project, script=script, max_restarts=5, **BRIEF) == ExitStatus.FAILED
    eventually(lambda: properties(unit(project), "ActiveState")["ActiveState"] == "failed")
    assert starts(log) == 5
    (row,) = [row for row in pm2sd("jlist").json if row["name"] == project.name()]
    assert (row["pm2_env"]["status"], row["pm2_env"]["restart_time"]) == ("errored", 4)
    with session() as here:
        (failure,) = settle(here, [unit(project)], 0)
    assert failure.why.endswith("; systemd restarted it 4 times so far")


def test_exit_code_0_restarts_too(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    apply(pm2sd, project, script=counting(project, log, "exit 0"), max_restarts=3, **BRIEF)
    eventually(lambda: starts(log) == 3)


def test_autorestart_off_leaves_it_down(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    script = counting(project, log, "exit 3")
    assert apply(pm2sd, project, script=script, autorestart=False) == ExitStatus.FAILED
    shown = properties(unit(project), "ActiveState", "ExecMainStatus", "NRestarts")
    assert shown == {"ActiveState": "failed", "ExecMainStatus": "3", "NRestarts": "0"}
    assert starts(log) == 1


def test_a_stop_exit_code_is_a_good_end(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    script = counting(project, log, "exit 42")
    assert apply(pm2sd, project, script=script, stop_exit_codes=[0, 42]) == ExitStatus.OK
    eventually(lambda: properties(unit(project), "ActiveState")["ActiveState"] == "inactive")
    assert starts(log) == 1


def test_a_signal_is_not_taken_for_exit_code_0(pm2sd: Pm2sd, project: Project) -> None:
    """PM2 reports death by a signal as code 0, so this app would stay down there."""
    options = {"script": "sleep", "args": "infinity", "stop_exit_codes": [0]}
    assert apply(pm2sd, project, **options) == ExitStatus.OK
    before = properties(unit(project), "MainPID")["MainPID"]
    systemctl("kill", "--signal=KILL", unit(project))
    eventually(lambda: properties(unit(project), "MainPID")["MainPID"] not in ("0", before))


def test_restart_delay_is_waited(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    script = counting(project, log, "exit 1")
    apply(pm2sd, project, script=script, restart_delay=700, max_restarts=3, **BRIEF)
    eventually(lambda: starts(log) == 3)
    times = [float(line.split()[0]) for line in log.read_text().splitlines()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(gap >= 0.69 for gap in gaps), gaps


def test_the_exponential_delay_grows_by_half(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    log = tmp_path / "starts"
    script = counting(project, log, "exit 1")
    apply(pm2sd, project, script=script, exp_backoff_restart_delay=200)
    eventually(lambda: starts(log) >= 6)
    times = [float(line.split()[0]) for line in log.read_text().splitlines()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)][:5]
    # No more than that is sure: a busy machine may make any of them longer.
    assert all(gap >= 0.19 * 1.45**number for number, gap in enumerate(gaps)), gaps


def test_the_stop_signal_and_its_time_are_the_apps_own(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    log, ready = tmp_path / "signals", tmp_path / "ready"
    script = project.write(
        "app.py",
        "import pathlib, signal, sys\n"
        "def got(number, _):\n"
        f"    open({str(log)!r}, 'a').write(f'{{number}}\\n')\n    sys.exit()\n"
        "for s in (signal.SIGINT, signal.SIGTERM):\n    signal.signal(s, got)\n"
        f"pathlib.Path({str(ready)!r}).touch()\nwhile True: signal.pause()\n",
    )
    for name, number in (("SIGINT", "2"), ("SIGTERM", "15")):
        options = {"script": str(script), "kill_signal": name, **PATIENT}
        assert apply(pm2sd, project, **options) == ExitStatus.OK
        eventually(ready.exists)
        assert pm2sd("stop", project.name()).exit_status == ExitStatus.OK
        assert log.read_text() == f"{number}\n"
        log.unlink()
        ready.unlink()


def test_treekill_off_signals_the_main_process_only(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    import json

    record = tmp_path / "pids.json"
    options = {"script": project.script("forks.py"), "args": [str(record)], "treekill": False}
    assert apply(pm2sd, project, **options) == ExitStatus.OK
    family = eventually(lambda: json.loads(record.read_text()))
    assert pm2sd("stop", project.name()).exit_status == ExitStatus.OK
    try:
        assert not Path(f"/proc/{family['main']}").exists()
        assert Path(f"/proc/{family['child']}").exists()
    finally:
        for name in ("child", "daemon"):
            kill(family[name])


def test_output_streams_stay_apart_in_the_journal(pm2sd: Pm2sd, project: Project) -> None:
    assert apply(pm2sd, project, script=project.script("talks.py"), args="3 x") == ExitStatus.OK

    def lines(*flags: str) -> list[str]:
        shown = pm2sd("logs", project.name(), "--nostream", "--raw", *flags)
        return [line for line in shown.stdout.splitlines() if re.match(r"(out|err) \d", line)]

    eventually(lambda: len(lines()) == 6)
    assert lines("--out") == ["out 1 x", "out 2 x", "out 3 x"]
    assert lines("--err") == ["err 1 x", "err 2 x", "err 3 x"]


def test_log_files_get_the_streams_and_their_directory(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    options = {
        "script": project.script("talks.py"),
        "args": "1",
        "instances": 2,
        "exec_mode": "fork",
        "out_file": str(tmp_path / "new" / "out.log"),
        "error_file": str(tmp_path / "new" / "err.log"),
    }
    assert apply(pm2sd, project, **options) == ExitStatus.OK
    names = ["err-0.log", "err-1.log", "out-0.log", "out-1.log"]
    eventually(lambda: sorted(p.name for p in (tmp_path / "new").iterdir()) == names)
    eventually(lambda: (tmp_path / "new" / "out-1.log").read_text() == "out 1\n")
    eventually(lambda: (tmp_path / "new" / "err-0.log").read_text() == "err 1\n")
