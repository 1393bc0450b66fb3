"""When an alarm is raised, and when it is over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pm2sd.probe.judging import Alarm, Allowed, Seen, judge

if TYPE_CHECKING:
    from pm2sd.probe.judging import Memory


def up(**changes: Any) -> Seen:
    return Seen("up", **changes)


M = 1 << 20
ROOT = Path(__file__).parents[2]


class Watch:
    """Rounds one after the other; what is remembered goes through JSON, as between processes."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.memory: Memory | None = None

    def look(self, seen: Seen, now: float, *, delivered: bool = True) -> list[Alarm]:
        memory, due = judge(self.allowed, seen, self.memory, now)
        for alarm in due:
            if delivered and not alarm.recovered:
                memory["open"][alarm.what] = True
        self.memory = json.loads(json.dumps(memory))
        return due


def texts(alarms: list[Alarm]) -> list[str]:
    return [f"{alarm.what}: {alarm.text}" for alarm in alarms]


def test_restarts_are_counted_in_a_window_and_told_once() -> None:
    watch = Watch(Allowed(restarts=3, within=3600))
    assert watch.look(up(restarts=300), 0) == [], "how old these are is not known"
    assert watch.look(up(restarts=302), 60) == []
    told = watch.look(up(restarts=303), 3000)
    assert texts(told) == ["restarts: restarted 3 times in the last 1h"]
    assert watch.look(up(restarts=303), 3030) == []
    (over,) = watch.look(up(restarts=303), 3700)
    assert (over.what, over.recovered) == ("restarts", True)


def test_a_start_by_hand_sets_the_count_to_0_and_loses_none() -> None:
    watch = Watch(Allowed(restarts=3, within=600))
    watch.look(up(restarts=5), 0)
    watch.look(up(restarts=6), 10)
    assert texts(watch.look(up(restarts=2), 20)) == ["restarts: restarted 3 times in the last 10m"]


def test_memory_is_well_again_only_well_below_the_limit() -> None:
    watch = Watch(Allowed(memory=100 * M))
    assert watch.look(up(memory=99 * M), 0) == []
    assert texts(watch.look(up(memory=101 * M), 30)) == [
        "memory: uses 101M of memory, more than 100M"
    ]
    assert watch.look(up(memory=95 * M), 60) == []
    assert watch.look(up(memory=101 * M), 90) == []
    assert [alarm.recovered for alarm in watch.look(up(memory=80 * M), 120)] == [True]


def test_down_counts_from_when_it_went_down_and_until_it_stays_up() -> None:
    watch = Watch(Allowed(down=120))
    down = Seen("down", since=100, restarts=1, memory=0)
    assert watch.look(down, 130) == []
    assert watch.look(up(since=139), 140) == [], "up, but only just"
    assert texts(watch.look(Seen("down", 141, 1, 0), 220)) == ["down: is down for 2m"]
    assert watch.look(up(since=249), 250) == []
    assert [alarm.recovered for alarm in watch.look(up(since=249), 260)] == [True]


def test_what_somebody_stopped_is_no_trouble() -> None:
    watch = Watch(Allowed(restarts=1, within=60, down=10))
    watch.look(up(), 0)
    watch.look(Seen("down", 1, 1, 0), 20)
    off = Seen("off", since=30, restarts=0, memory=0)
    assert watch.look(off, 300) == []
    assert watch.look(off, 600) == []
    assert watch.look(up(since=600), 700) == []


def test_an_alarm_that_nobody_heard_is_told_again() -> None:
    watch = Watch(Allowed(down=10))
    down = Seen("down", since=0.5, restarts=0, memory=0)
    assert len(watch.look(down, 20, delivered=False)) == 1
    assert [alarm.again for alarm in watch.look(down, 50)] == [True]
    assert watch.look(down, 80) == []


def test_of_an_alarm_that_nobody_heard_the_end_is_not_told() -> None:
    watch = Watch(Allowed(down=10))
    assert len(watch.look(Seen("down", 0.5, 0, 0), 20, delivered=False)) == 1
    assert watch.look(up(since=30), 60) == []


def test_a_round_imports_next_to_nothing() -> None:
    code = "import sys, pm2sd.probe.__main__, pm2sd.probe.alerts; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert not {"dataclasses", "json", "re", "subprocess", "typing"} & {*loaded}
