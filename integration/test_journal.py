"""The journal of real units."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from integration.harness import eventually
from pm2sd.systemd.bus import Bus, Job
from pm2sd.systemd.exits import last_exit
from pm2sd.systemd.journal import Entry, Query, entries, last_lines, suppressed
from pm2sd.systemd.paths import unit_directory

WITHIN = 60.0
ROOT = Path(__file__).parents[1]


@pytest.fixture
def bus() -> Iterator[Bus]:
    with Bus.open() as opened:
        yield opened


class App:
    """One instance of a template whose lines are found as pm2sd's apps' are."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.identifier = f"{self.name}@0"
        self.unit = f"{self.identifier}.service"
        self.path = unit_directory() / f"{self.name}@.service"

    def run(self, script: str, *settings: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        program = unit_directory() / f"{self.name}.sh"
        program.write_text(script)
        self.path.write_text(
            "[Service]\nType=exec\n"
            + "".join(f"{setting}\n" for setting in settings)
            + "ExecStart=:systemd-cat --priority=info --stderr-priority=err"
            f" --level-prefix=false --identifier={self.name}@%i /bin/sh {program}\n"
        )
        self.bus.run_jobs([Job("start", self.unit)], WITHIN)

    def state(self) -> str:
        state: str = self.bus.get(self.unit, "Unit", "ActiveState")
        return state

    def lines(self, **query: object) -> list[str]:
        wanted = Query(identifiers=(self.identifier,), **query)  # type: ignore[arg-type]
        return [entry.message for entry in entries(wanted)]

    def clean(self) -> None:
        self.bus.run_jobs([Job("stop", self.unit)], WITHIN)
        self.bus.reset_failed([self.unit])
        self.path.unlink(missing_ok=True)
        (unit_directory() / f"{self.name}.sh").unlink(missing_ok=True)
        self.bus.reload()


@pytest.fixture
def app(bus: Bus) -> Iterator[App]:
    made = App(bus)
    yield made
    made.clean()


def test_streams_stay_apart(app: App) -> None:
    app.run("echo one; echo two >&2; echo three; exec sleep 300")
    eventually(lambda: len(app.lines()) == 3)
    assert sorted(app.lines()) == ["one", "three", "two"]
    assert app.lines(priorities=(6,)) == ["one", "three"]
    assert app.lines(priorities=(3,)) == ["two"]
    (entry,) = entries(Query(identifiers=(app.identifier,), priorities=(3,)))
    assert entry.pid == app.bus.get(app.unit, "Service", "MainPID")
    assert entry.unit == app.unit
    assert abs(entry.realtime_usec / 1e6 - time.time()) < 60


def test_lines_of_every_kind_arrive_whole(app: App) -> None:
    app.run(
        r"printf 'a\033[31mred\n'; printf 'bad \377 byte\n'; printf '\303\274\n';"
        " head -c 30000 /dev/zero | tr '\\0' x; echo; exec sleep 300"
    )
    eventually(lambda: len(app.lines()) == 4)
    assert app.lines() == ["a\x1b[31mred", "bad \ufffd byte", "ü", "x" * 30000]


def test_the_last_lines_and_the_managers_words(app: App) -> None:
    app.run("for i in 1 2 3 4 5; do echo $i; done; exit 7")
    eventually(lambda: app.state() == "failed" and len(app.lines()) == 5)
    assert app.lines(lines=2) == ["4", "5"]
    assert app.lines(lines=0) == []

    def told() -> list[str]:
        return [entry.message for entry in last_lines((app.identifier,), (app.unit,), 20)]

    eventually(lambda: any("status=7" in message for message in told()))
    assert told().index("5") > told().index("1")


def test_grep_keeps_the_order(app: App) -> None:
    app.run("for i in 1 2 3; do echo Line $i; echo other; done; exec sleep 300")
    eventually(lambda: len(app.lines()) == 6)
    assert app.lines(grep="line") == ["Line 1", "Line 2", "Line 3"]
    assert app.lines(grep="line", lines=2) == ["Line 2", "Line 3"]
    assert app.lines(grep="LINE") == []
    assert app.lines(grep="nothing like it", lines=2) == []


def test_since_and_until(app: App) -> None:
    app.run("echo now; exec sleep 300")
    eventually(lambda: app.lines() == ["now"])
    assert app.lines(since="-5min") == ["now"]
    assert app.lines(until="-5min") == []
    assert app.lines(since="tomorrow") == []


def test_an_identifier_that_never_logged() -> None:
    assert list(entries(Query(identifiers=("t-missing@0",)))) == []


def children() -> set[str]:
    return {
        pid
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }


def test_following_yields_lines_as_they_come_and_ends_when_closed(app: App) -> None:
    fifo = unit_directory() / f"{app.name}.fifo"
    fifo.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(fifo)
    before = children()
    try:
        app.run(f"echo early; exec cat {fifo}")
        eventually(lambda: app.lines() == ["early"])
        following = entries(Query(identifiers=(app.identifier,), lines=1, follow=True))
        assert next(following).message == "early"
        with fifo.open("w") as pipe:
            for line in ("first", "second"):
                print(line, file=pipe, flush=True)
                got: list[Entry] = []
                waiter = Thread(target=lambda got=got: got.append(next(following)))
                waiter.start()
                waiter.join(WITHIN)
                assert [entry.message for entry in got] == [line]
            assert len(children() - before) == 1
            following.close()  # type: ignore[attr-defined]
        assert not children() - before
    finally:
        fifo.unlink()


def test_ctrl_c_while_following_leaves_no_journalctl_behind() -> None:
    script = (
        "from pathlib import Path\n"
        "from pm2sd.systemd.journal import Query, entries\n"
        "try:\n"
        "    for entry in entries(Query(lines=1, follow=True)): print('ready', flush=True)\n"
        "except KeyboardInterrupt:\n"
        "    print(repr(Path('/proc/self/task').joinpath(\n"
        "        __import__('os').listdir('/proc/self/task')[0], 'children').read_text()))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=WITHIN)
    assert out.splitlines()[-1] == "''"


def exit_of(app: App) -> tuple[str, int | None, str, bool] | None:
    ended = last_exit(app.unit)
    if ended is None:
        return None
    return ended.code, ended.status, ended.result, ended.requested


def test_a_unit_that_never_ended_has_no_exit(app: App) -> None:
    app.run("exec sleep 300")
    eventually(lambda: bool(list(entries(Query(units=(app.unit,))))))
    assert last_exit(app.unit) is None


def test_a_crash_is_the_reason_of_the_restart(app: App) -> None:
    marker = unit_directory() / f"{app.name}.once"
    app.run(f"[ -e {marker} ] && exec sleep 300; touch {marker}; exit 42", "Restart=always")
    try:
        eventually(lambda: app.bus.get(app.unit, "Service", "NRestarts") == 1)
        eventually(lambda: app.state() == "active")
        eventually(lambda: exit_of(app) == ("exited", 42, "exit-code", False))
    finally:
        marker.unlink()


def test_a_clean_exit_is_known_by_the_restart_it_caused(app: App) -> None:
    marker = unit_directory() / f"{app.name}.once"
    app.run(f"[ -e {marker} ] && exec sleep 300; touch {marker}; exit 0", "Restart=always")
    try:
        eventually(lambda: app.bus.get(app.unit, "Service", "NRestarts") == 1)
        eventually(lambda: exit_of(app) == ("", None, "success", False))
    finally:
        marker.unlink()


def test_a_signal(app: App) -> None:
    app.run("exec sleep 300")
    app.bus.kill(app.unit, signal.SIGKILL)
    eventually(lambda: app.state() == "failed")
    eventually(lambda: exit_of(app) == ("killed", 9, "signal", False))


def test_a_stop_that_was_asked_for(app: App) -> None:
    app.run("exec sleep 300")
    app.bus.run_jobs([Job("restart", app.unit)], WITHIN)
    eventually(lambda: exit_of(app) == ("", None, "success", True))


def test_a_stop_that_took_too_long(app: App) -> None:
    app.run("trap '' TERM; while :; do sleep 300; done", "TimeoutStopSec=100ms")
    eventually(lambda: ignores_term(main_pid(app)))
    app.bus.run_jobs([Job("stop", app.unit)], WITHIN)
    eventually(lambda: exit_of(app) == ("killed", 9, "timeout", True))


def main_pid(app: App) -> int:
    pid: int = app.bus.get(app.unit, "Service", "MainPID")
    return pid


def ignores_term(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(ignored >> (signal.SIGTERM - 1) & 1)


def test_dropped_lines_are_counted_only_for_those_who_may_know() -> None:
    machine = Path("/etc/machine-id").read_text().strip()
    system = Path("/var/log/journal") / machine / "system.journal"
    assert (suppressed("-1h") is None) == (not os.access(system, os.R_OK))
