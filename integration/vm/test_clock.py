"""The machine's clock is set back and forth by hours while apps run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integration.harness import Result, eventually
from integration.vm.machine import PATIENCE, Machine, only

HOURS = 3600
WITHIN = 30.0
"""Seconds for a command, on a machine that has a fifth of a processor."""

# Prints numbers that go up, one each fifth of a second; the last is in the file.
COUNTS = "n=0; while :; do n=$((n+1)); echo $n >$0; echo count $n; sleep 0.2; done"

# Prints "ready" so many seconds after its start as the file says.
LATE = "sleep $(cat late); echo ready; exec sleep 1000"

APPS: list[dict[str, Any]] = [
    {"name": "counts", "script": "sh", "args": ["-c", COUNTS, "now"]},
    {"name": "files", "script": "sh", "args": ["-c", COUNTS, "now2"], "out_file": "out.log"},
    {"name": "pair", "script": "sleep", "args": "10000", "instances": 2},
    {"name": "crashes", "script": "sh", "args": ["-c", "sleep 1; exit 1"], "max_restarts": 10000}
    | {"restart_delay": 100},
    {"name": "late", "script": "sh", "args": ["-c", LATE], "ready": {"log": "^ready"}}
    | {"watch": ["watched"], "listen_timeout": 60_000},
    {"name": "alarmed", "script": "sleep", "args": "10000", "alerts": {"down": "10s"}}
    | {"restart_delay": 3_600_000, "max_restarts": 10},
]
STEADY = ("counts", "files", "pair")
OTHERS = "--only counts,files,pair,late,alarmed"


def ok(machine: Machine, command: str) -> Result:
    done = machine.run(command, timeout=2 * WITHIN)
    assert done.exit_status == 0, (command, done)
    return done


def ecosystem(machine: Machine, *apps: dict[str, Any]) -> None:
    base = {"interpreter": "none", "kill_timeout": 500}
    machine.write("clock/ecosystem.json", json.dumps({"apps": [base | app for app in apps]}))


class Clock:
    """The machine's, which is put right in the end."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.ahead = 0

    def set_by(self, seconds: int) -> None:
        """Sets it forward, or back."""
        done = self._machine.run(["date", f"--set={seconds:+} seconds"], user="root")
        assert done.exit_status == 0, done
        self.ahead += seconds


@pytest.fixture
def clock(machine: Machine) -> Iterator[Clock]:
    clock = Clock(machine)
    yield clock
    clock.set_by(-clock.ahead)


@pytest.fixture
def running(machine: Machine, switched_on: None) -> Machine:
    """The machine with all of the apps, which the first test starts."""
    if machine.run("mkdir clock && mkdir clock/watched && echo 0 >clock/late").exit_status == 0:
        ecosystem(machine, *APPS)
        applied = machine.run("cd clock && pm2sd apply", timeout=2 * WITHIN)
        assert "up: counts@0, files@0, pair@0, pair@1, late@0, alarmed@0\n" in applied.stderr
    return machine


def rows(machine: Machine) -> dict[str, dict[str, Any]]:
    """What status says of the apps that do not restart by themselves, by instance."""
    found = ok(machine, f"pm2sd status --json {' '.join(STEADY)}").json
    return {f"{row['name']}@{row['instance']}": row for row in found}


def counted(machine: Machine, command: str) -> list[int]:
    """The numbers among what a command prints."""
    return [
        int(number)
        for number in re.findall(r"count (\d+)$", ok(machine, command).stdout, re.MULTILINE)
    ]


def now(machine: Machine, file: str = "now") -> int:
    """How far the app has counted."""
    read = f"until n=$(cat clock/{file}) && [ $n ]; do :; done; echo $n"  # it is being written
    return int(ok(machine, read).stdout)


def test_nothing_restarts_and_the_list_tells_the_truth(running: Machine, clock: Clock) -> None:
    look = f"pm2sd status --json; pm2sd jlist; date +%s%3N; cd clock; pm2sd diff {OTHERS} >&2"

    def seen() -> dict[str, dict[str, Any]]:
        """What status and jlist say, by instance; a file that is as it was changes nothing."""
        *status, jlist, milliseconds = ok(running, look).stdout.splitlines()
        rows = {f"{row['name']}@{row['instance']}": row for row in json.loads("\n".join(status))}
        for element in json.loads(jlist):
            if element["name"] in STEADY:
                row = rows[f"{element['name']}@{element['pm2_env']['NODE_APP_INSTANCE']}"]
                age = (int(milliseconds) - element["pm2_env"]["pm_uptime"]) / 1000
                assert row["uptime"] <= age < row["uptime"] + WITHIN
        return rows

    eventually(lambda: seen()["crashes@0"]["flapping"], PATIENCE)
    began = time.monotonic()
    before = seen()
    for seconds in (5 * HOURS, -8 * HOURS):
        clock.set_by(seconds)
        after = seen()
        assert after["crashes@0"]["flapping"]
        for name, row in after.items():
            if row["name"] in STEADY:
                assert (row["pid"], row["restarts"]) == (before[name]["pid"], 0), row
                passed = row["uptime"] - before[name]["uptime"]
                assert 0 < passed < time.monotonic() - began + 1, (seconds, row)
    ok(running, "pm2sd describe crashes counts; pm2sd delete crashes")


def test_apply_makes_changes_that_are_older_than_what_was_there(
    running: Machine, clock: Clock
) -> None:
    clock.set_by(-6 * HOURS)
    before = rows(running)
    ecosystem(running, *(app | {"env": {"WORD": "new"}} for app in APPS if app["name"] == "pair"))
    ok(running, "cd clock && pm2sd apply && pm2sd scale pair 3")
    environment = ok(running, "cat /proc/$(pm2sd pid pair@2)/environ").stdout
    assert "WORD=new" in environment.split("\0")
    ecosystem(running, *(app for app in APPS if app["name"] == "pair"))
    clock.set_by(9 * HOURS)
    ok(running, "cd clock && pm2sd apply")
    after = rows(running)
    assert list(after) == ["counts@0", "files@0", "pair@0", "pair@1"]
    assert all(after[name]["pid"] == before[name]["pid"] for name in ("counts@0", "files@0"))


def test_the_last_lines_are_the_last_ones(running: Machine, clock: Clock) -> None:
    for seconds in (4 * HOURS, -7 * HOURS):
        clock.set_by(seconds)
        first = now(running)
        eventually(lambda: now(running) > first + 5, WITHIN)  # noqa: B023
        last = counted(running, "pm2sd logs counts --raw --nostream --lines 4")
        assert last == list(range(last[0], last[0] + 4)), (seconds, last)
        assert last[0] > first
        both = counted(running, "pm2sd logs counts files --nostream --lines 3")
        assert len(both) == 6


def test_lines_are_followed_without_a_gap(running: Machine, clock: Clock) -> None:
    """Some follow from before the clock is set, some from between."""
    clock.set_by(5 * HOURS)
    eventually_counts(running, 5)
    clock.set_by(-8 * HOURS)
    eventually_counts(running, 5)
    follow = "setsid pm2sd logs {0} --raw --lines 3 >{0}.{1} 2>&1 </dev/null & echo $! >>followers"
    running.run(follow.format("counts", 1))
    running.run(follow.format("files", 1))
    both: Callable[[], bool] = lambda: (  # noqa: E731
        has_lines(running, "counts.1", 5) and has_lines(running, "files.1", 5)
    )
    eventually(both, PATIENCE)
    clock.set_by(3 * HOURS)
    eventually_counts(running, 5)
    running.run(follow.format("counts", 2))
    eventually(lambda: has_lines(running, "counts.2", 5), PATIENCE)
    clock.set_by(-6 * HOURS)
    eventually_counts(running, 10)
    files = {"counts.1": now(running), "files.1": now(running, "now2"), "counts.2": now(running)}
    eventually(lambda: all(has_come_to(running, *one) for one in files.items()), PATIENCE)
    running.run("kill $(cat followers)")
    for file in files:
        numbers = counted(running, f"cat {file}")
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), (file, numbers)


def has_lines(machine: Machine, file: str, number: int) -> bool:
    return len(counted(machine, f"cat {file}")) >= number


def has_come_to(machine: Machine, file: str, number: int) -> bool:
    return max(counted(machine, f"cat {file}"), default=0) >= number


def eventually_counts(machine: Machine, more: int) -> None:
    """Waits until the app has printed some more lines."""
    first = now(machine)
    eventually(lambda: now(machine) >= first + more, WITHIN)


def test_flush_hides_what_was_before_and_no_more(running: Machine, clock: Clock) -> None:
    logs = "pm2sd logs counts files --raw --nostream --lines 1000000"
    clock.set_by(5 * HOURS)
    eventually_counts(running, 3)
    before = now(running)
    ok(running, "pm2sd flush")
    after = now(running)
    for seconds in (-8 * HOURS, 4 * HOURS):
        clock.set_by(seconds)
        eventually_counts(running, 3)
        numbers = counted(running, "pm2sd logs counts --raw --nostream --lines 1000000")
        # A number is in its file before it is in the journal.
        assert before <= numbers[0] <= after + 1, (seconds, numbers[0], before, after)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(counted(running, logs)) > len(numbers)


def test_ready_takes_no_line_of_an_earlier_run(running: Machine, clock: Clock) -> None:
    clock.set_by(3 * HOURS)
    ok(running, "echo 0 >clock/late; pm2sd restart late")
    clock.set_by(-5 * HOURS)
    assert started_after(running, "echo 3 >clock/late; pm2sd restart late") >= 3


def started_after(machine: Machine, command: str) -> float:
    """Restarts the app; the seconds from its process's start to its being ready."""
    ok(machine, command)
    names = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    shown = ok(machine, f"systemctl --user show late@0 -p {','.join(names)}").stdout
    times = dict(line.split("=") for line in shown.splitlines())
    return (int(times[names[1]]) - int(times[names[0]])) / 1e6


@only("13")
def test_a_watcher_sees_what_changes_meanwhile(running: Machine, clock: Clock) -> None:
    def started() -> int:
        shown = ok(running, "systemctl --user show late@0 -p ExecMainStartTimestampMonotonic")
        return int(shown.stdout.partition("=")[2])

    def again(before: int) -> int:
        return eventually(lambda: (at := started()) > before and at, PATIENCE)

    ok(running, "echo 0 >clock/late; pm2sd restart late; echo 4 >clock/late")
    clock.set_by(-4 * HOURS)
    first = started()
    ok(running, "echo 1 >clock/watched/file")
    second = again(first)
    # It waits until the app is ready. What changes now was not read by it, whatever the clock says.
    ok(running, "echo 2 >clock/watched/file")
    clock.set_by(5 * HOURS)
    ok(running, "echo 0 >clock/late")
    again(second)


@only("13")
def test_an_alarm_is_not_lost(running: Machine, clock: Clock) -> None:
    """By the app's own timer, which looks at it every so many seconds."""
    alarms = "journalctl --user --quiet -o cat SYSLOG_IDENTIFIER=alarmed:alerts"
    ok(running, "systemctl --user kill --signal=KILL alarmed@0")
    clock.set_by(-9 * HOURS)
    eventually(lambda: "is down for" in ok(running, alarms).stdout, PATIENCE)
    clock.set_by(12 * HOURS)
    ok(running, "pm2sd restart alarmed")
    eventually(lambda: "is up again" in ok(running, alarms).stdout, PATIENCE)


CRON = {"name": "cron", "script": "sleep", "args": "10000", "cron_restart": "30 3 * * *"}
JOB = {"name": "job", "script": "sh", "args": ["-c", "echo >>ran"], "schedule": "30 3 * * *"}


def test_what_is_due_by_the_clock_is_done_by_the_clock(machine: Machine, clock: Clock) -> None:
    ecosystem(machine, CRON, JOB)

    def set_to(text: str) -> None:
        at = ok(machine, f"echo $(($(date --date='{text}' +%s) - $(date +%s)))").stdout
        clock.set_by(int(at))

    def pid() -> str:
        return ok(machine, "pm2sd pid cron").stdout

    def ran() -> int:
        return len(machine.run("cat clock/ran").stdout)

    set_to("tomorrow 01:00")
    ok(machine, "cd clock && pm2sd apply")
    first = pid()
    # Not at half past three, so nothing is due.
    set_to("03:00")
    set_to("01:00")
    assert "03:30:00" in ok(machine, "pm2sd describe cron").stdout
    assert (pid(), ran()) == (first, 0)
    for number in (1, 2):  # it is half past three once more
        set_to("03:29:58")
        eventually(lambda: ran() == number and pid() != first, WITHIN)  # noqa: B023
        first = pid()
        set_to("02:00")
        assert pid() == first
    # It is skipped, and made up for once.
    set_to("09:00")
    eventually(lambda: ran() == 3 and pid() != first, WITHIN)
    ok(machine, "pm2sd delete cron job")


@only("12")
def test_log_files_are_rotated_by_the_timers(running: Machine, clock: Clock) -> None:
    rotated = "find clock -name 'out__*' | wc -l"
    ok(running, "pm2sd logrotate --max-size 1K --worker-interval 1 --retain all")
    try:
        number = int(ok(running, rotated).stdout)
        clock.set_by(-5 * HOURS)
        ok(running, "yes count 0 | head -n 1000 >>clock/out.log")
        eventually(lambda: int(ok(running, rotated).stdout) > number, PATIENCE)
        ok(running, "systemctl --user start pm2sd-logrotate-interval.service")
    finally:
        ok(running, "pm2sd logrotate --remove")
