"""cron_restart and schedule, on systemd's own clock: patterns with seconds keep the tests short."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, properties, run, systemctl
from pm2sd.errors import ExitStatus

EVERY_SECOND = "* * * * * *"
NEVER_HERE = "0 0 29 2 *"
UNIT_STARTED = "39f53479d3a045ac8e11786248231fbf"
"""SD_MESSAGE_UNIT_STARTED of sd-messages.h."""

LIVES = 'echo "$NODE_APP_INSTANCE $(date +%s.%N)" >>starts; exec sleep 1000\n'
ENDS = 'date +%s.%N >>starts; exit "$(cat status 2>/dev/null || echo 0)"\n'


def apply(pm2sd: Pm2sd, project: Project, script: str, **options: Any) -> None:
    project.write("app.sh", script)
    app = {"name": project.name("a"), "script": "app.sh", "min_uptime": 100, **options}
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.OK, result


def starts(project: Project) -> list[str]:
    path = project.path / "starts"
    return path.read_text().splitlines() if path.exists() else []


def of_instance(project: Project, number: int) -> list[str]:
    return [line for line in starts(project) if line.startswith(f"{number} ")]


def started(unit: str) -> int:
    """How often systemd did; the app itself may be restarted before it has written anything."""
    match = ("--output=cat", "--quiet", f"USER_UNIT={unit}", f"MESSAGE_ID={UNIT_STARTED}")
    return len(run("journalctl", "--user", *match).stdout.splitlines())


def more(count: Callable[[], int], by: int) -> Callable[[], bool]:
    goal = count() + by
    return lambda: count() >= goal


def state(unit: str) -> str:
    return properties(unit, "ActiveState")["ActiveState"]


def row(pm2sd: Pm2sd, project: Project) -> dict[str, Any]:
    (found,) = pm2sd("status", "--json", project.name("a")).json
    assert isinstance(found, dict)
    return found


def stamp(timer: str) -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data, "systemd/timers", f"stamp-{timer}")


def test_an_app_is_restarted_again_and_again_within_its_start_limit(
    pm2sd: Pm2sd, project: Project
) -> None:
    apply(pm2sd, project, LIVES, cron_restart=EVERY_SECOND, max_restarts=2, min_uptime=5000)
    eventually(more(lambda: len(starts(project)), 6), timeout=60)
    eventually(lambda: state(f"{project.name('a')}@0.service") == "active")


def test_its_restarts_are_counted_and_those_after_crashes_kept(
    pm2sd: Pm2sd, project: Project
) -> None:
    apply(pm2sd, project, LIVES, cron_restart=EVERY_SECOND)
    unit = f"{project.name('a')}@0.service"
    assert systemctl("kill", "--signal=KILL", unit).exit_status == ExitStatus.OK
    eventually(lambda: row(pm2sd, project)["restarts"] >= 3, timeout=60)
    service = f"{project.name('a')}:cron"
    assert systemctl("stop", f"{service}.timer").exit_status == ExitStatus.OK
    eventually(lambda: state(f"{service}.service") == "inactive")  # a round ends as it likes
    eventually(lambda: row(pm2sd, project)["restarts"] == started(unit) - 1)
    assert pm2sd("reset", project.name("a")).exit_status == ExitStatus.OK
    assert row(pm2sd, project)["restarts"] == 0


def test_only_instances_that_run_are_restarted(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, LIVES, cron_restart=EVERY_SECOND, instances=3)
    assert pm2sd("stop", f"{project.name('a')}@1").exit_status == ExitStatus.OK
    before = of_instance(project, 1)
    eventually(more(lambda: len(of_instance(project, 0)), 3), timeout=60)
    eventually(more(lambda: len(of_instance(project, 2)), 1), timeout=60)
    assert of_instance(project, 1) == before


def test_an_instance_that_failed_for_good_stays_failed(pm2sd: Pm2sd, project: Project) -> None:
    project.write("app.sh", 'test "$NODE_APP_INSTANCE" = 0 && exit 3\n' + LIVES)
    app = {"name": project.name("a"), "script": "app.sh", "instances": 2, "max_restarts": 2}
    pm2sd("apply", project.ecosystem([{**app, "cron_restart": EVERY_SECOND}]))
    eventually(lambda: state(f"{project.name('a')}@0.service") == "failed")
    eventually(more(lambda: len(of_instance(project, 1)), 3), timeout=60)
    assert state(f"{project.name('a')}@0.service") == "failed"


def test_the_timer_follows_stop_start_and_delete(pm2sd: Pm2sd, project: Project) -> None:
    timer = f"{project.name('a')}:cron.timer"
    apply(pm2sd, project, LIVES, cron_restart=EVERY_SECOND)
    assert state(timer) == "active"
    assert pm2sd("stop", project.name("a")).exit_status == ExitStatus.OK
    assert state(timer) == "inactive"
    assert state(f"{project.name('a')}@0.service") == "inactive"
    assert pm2sd("start", project.name("a")).exit_status == ExitStatus.OK
    assert state(timer) == "active"
    eventually(more(lambda: len(starts(project)), 2), timeout=60)
    assert pm2sd("delete", project.name("a")).exit_status == ExitStatus.OK
    assert state(timer) == "inactive"
    assert project.unit_files() == []


def test_another_time_or_none_disturbs_no_instance(pm2sd: Pm2sd, project: Project) -> None:
    unit, timer = f"{project.name('a')}@0.service", f"{project.name('a')}:cron.timer"
    apply(pm2sd, project, LIVES, cron_restart=NEVER_HERE)
    pid = properties(unit, "MainPID")
    next_before = properties(timer, "NextElapseUSecRealtime")
    apply(pm2sd, project, LIVES, cron_restart="0 0 1 1 *")
    assert properties(timer, "NextElapseUSecRealtime") != next_before
    apply(pm2sd, project, LIVES, cron_restart="0")
    assert state(timer) == "inactive"
    assert properties(unit, "MainPID") == pid
    apply(pm2sd, project, LIVES, cron_restart=NEVER_HERE)
    assert state(timer) == "active"
    assert properties(unit, "MainPID") == pid


def test_the_flag_restarts_a_script(pm2sd: Pm2sd, project: Project) -> None:
    script = project.write("app.sh", LIVES)
    name = project.name("a")
    started = pm2sd("start", script, "--name", name, "--cron-restart", EVERY_SECOND)
    assert started.exit_status == ExitStatus.OK, started
    eventually(more(lambda: len(starts(project)), 2), timeout=60)


def test_a_bad_pattern_is_told_with_its_line_and_nothing_changes(
    pm2sd: Pm2sd, project: Project
) -> None:
    project.write("app.sh", LIVES)
    file = project.ecosystem("apps:\n- script: app.sh\n  cron_restart: 0 25 * * *\n")
    result = pm2sd("apply", file)
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert (
        "ecosystem.yaml:3:17: error: cron_restart: the hour 25 is not within 0 to 23"
        in result.stderr
    )
    assert project.unit_files() == []


def test_a_job_runs_when_its_time_comes_and_ends(pm2sd: Pm2sd, project: Project) -> None:
    first = time.time() // 3 * 3 + 3
    apply(pm2sd, project, ENDS, schedule="*/3 * * * * *", max_restarts=1)
    eventually(lambda: len(starts(project)) >= 3, timeout=60)
    times = [float(line) for line in starts(project)]
    # Never before its time; how long after it is the machine's.
    assert all(at >= first + 3 * number for number, at in enumerate(times)), (first, times)
    timer, next_time = f"{project.name('a')}:schedule.timer", "NextElapseUSecRealtime"
    assert properties(timer, "AccuracyUSec") == {"AccuracyUSec": "1us"}
    (second,) = eventually(lambda: re.findall(r":(\d\d) ", properties(timer, next_time)[next_time]))
    assert int(second) % 3 == 0
    assert row(pm2sd, project)["state"] in ("waiting", "online")
    assert pm2sd("stop", project.name("a")).exit_status == ExitStatus.OK
    assert row(pm2sd, project)["state"] == "stopped"
    assert state(timer) == "inactive"


def test_a_job_is_not_run_by_apply_but_by_start(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, ENDS, schedule="Mon *-02-29 03:00:00")
    assert row(pm2sd, project)["state"] == "waiting"
    apply(pm2sd, project, ENDS, schedule="Mon *-02-29 04:00:00")
    assert starts(project) == []
    assert pm2sd("start", project.name("a")).exit_status == ExitStatus.OK
    eventually(lambda: len(starts(project)) == 1)
    eventually(lambda: row(pm2sd, project)["state"] == "waiting")


def test_describe_says_when_a_job_runs_next(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, ENDS, schedule="2099-02-03T04:05:06")
    assert "2099-02-03 04:05:06" in pm2sd("describe", project.name("a")).stdout
    (described,) = pm2sd("describe", "--json", project.name("a")).json
    assert described["next_run"] == time.mktime((2099, 2, 3, 4, 5, 6, 0, 0, -1))


def test_a_job_that_failed_is_errored_and_runs_the_next_time(
    pm2sd: Pm2sd, project: Project
) -> None:
    project.write("status", "3")
    apply(pm2sd, project, ENDS, schedule="*/3 * * * * *")
    eventually(lambda: row(pm2sd, project)["state"] == "errored")
    eventually(more(lambda: len(starts(project)), 1))
    project.write("status", "0")
    eventually(lambda: row(pm2sd, project)["state"] == "waiting")


def test_a_job_has_one_instance(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, ENDS, schedule=NEVER_HERE)
    scaled = pm2sd("scale", project.name("a"), "2")
    assert scaled.exit_status == ExitStatus.USAGE
    assert "has a schedule" in scaled.stderr


@pytest.mark.parametrize("catch_up", [True, False])
def test_a_time_that_passed_while_it_was_stopped_is_made_up_for(
    pm2sd: Pm2sd, project: Project, catch_up: bool
) -> None:
    """The stamp is the file in which systemd keeps when a timer ran last, as over a reboot."""
    name = project.name("a")
    apply(pm2sd, project, ENDS, schedule="0 0 1 1 *", cron_catch_up=catch_up)
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    if catch_up:
        assert stamp(f"{name}:schedule.timer").exists()
        two_years_ago = time.time() - 2 * 366 * 86400
        os.utime(stamp(f"{name}:schedule.timer"), (two_years_ago, two_years_ago))
    assert systemctl("start", f"{name}.target").exit_status == 0
    if catch_up:
        eventually(lambda: len(starts(project)) == 1)
    else:
        assert state(f"{name}@0.service") == "inactive"
        assert starts(project) == []


def test_a_job_that_was_deleted_has_missed_nothing(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, ENDS, schedule="0 0 1 1 *")
    path = stamp(f"{project.name('a')}:schedule.timer")
    assert path.exists()
    assert pm2sd("delete", project.name("a")).exit_status == ExitStatus.OK
    assert not path.exists()
