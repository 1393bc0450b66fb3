"""Measure pm2sd beside PM2 and print the tables; run by ``make bench``, in the sandbox.

It restarts and deletes everything that the two run, so it refuses to start anywhere else.
Exit status 0 when everything was measured, whatever came out; 1 when measuring failed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks import crash, memory, rolling, subjects, throughput, workloads
from benchmarks.announcements import Announcements
from benchmarks.conditions import conditions
from benchmarks.measure import MeasuringFailed, Run, in_turn
from benchmarks.report import Row, table
from benchmarks.subjects import Subject
from benchmarks.workloads import Shape

T = TypeVar("T")

LIST_ROUNDS = 25
CYCLE_ROUNDS = 5
RESTART_ROUNDS = 3
CRASH_ROUNDS = 10
# On the loopback interface, which is the sandbox's own.
PORTS = {"PM2": 18001, "pm2sd": 18002, "alone": 18003}

STATUS_TARGET = 0.5
"""What ``pm2sd status`` may take of the time of ``pm2 list``, with 100 running processes."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Both subjects, and a directory for what they are given."""

    pm2: Subject
    ours: Subject
    directory: Path

    def in_turn(self, work: Callable[[Subject], T], rounds: int) -> list[tuple[T, T]]:
        """What some work gives with PM2 and with pm2sd, done alternately."""
        return in_turn(lambda: work(self.pm2), lambda: work(self.ours), rounds)


@dataclass(frozen=True, slots=True)
class Change:
    """A command that starts processes: the milliseconds until all ran, and the command itself."""

    up: float
    run: Run


def main() -> int:
    """Measure, and print the tables on stdout; what goes on is told on stderr."""
    if os.environ.get("PM2SD_SANDBOX") != "1":
        print("benchmarks: they run in the sandbox only: make bench", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        try:
            bench = Bench(subjects.pm2(home / "pm2"), subjects.pm2sd(home / "pm2sd"), home)
            # PM2's daemon is up from here on: no row holds the half second of its own start.
            bench.pm2.run("ping")
            try:
                print(conditions(bench.pm2, bench.ours), end="\n\n")
                print(table([*measure(bench)]))
                print(f"\n{floor(bench)}", end="\n\n")
                print(throughput.balance(bench.pm2, bench.ours, home), end="\n\n")
                print(rolling.report(bench.pm2, bench.ours, home))
            finally:
                bench.pm2.run("kill")
        except MeasuringFailed as failure:
            print(f"benchmarks: {failure}", file=sys.stderr)
            return 1
    return 0


def measure(bench: Bench) -> Iterator[Row]:
    """Every row, measured when it is asked for."""
    yield from throughput.memories(bench.pm2, bench.ours, bench.directory)
    yield measure_memory(bench)
    say("versions")
    runs = bench.in_turn(lambda one: one.run("--version"), LIST_ROUNDS)
    yield Row.of_runs("--version", runs)
    for shape in workloads.SHAPES:
        with Announcements(bench.directory / "sleepers.fifo") as fifo:
            yield from measure_shape(bench, shape, fifo)
    yield measure_crash(bench, "sleeper.sh", "SIGKILL until the next process runs")
    yield measure_crash(bench, "http-answer.js", "SIGKILL until it answers HTTP again")
    yield from throughput.speeds(bench.pm2, bench.ours, bench.directory)


def measure_memory(bench: Bench) -> Row:
    """What supervising 100 apps keeps in memory: PM2's daemon, and what systemd grows by."""
    say("memory")
    with Announcements(bench.directory / "memory.fifo") as fifo:
        file = sleepers(bench, workloads.SHAPES[0], fifo)
        before = memory.systemd()
        for one in (bench.pm2, bench.ours):
            start_all(one, fifo, 100, one.apply, file)
            for _ in range(5):
                one.run(one.table)
        daemon = int(Path(bench.pm2.environment["PM2_HOME"], "pm2.pid").read_text())
        pair = (memory.proportional(daemon), memory.systemd() - before)
        for one in (bench.pm2, bench.ours):
            one.run("delete", "all")
    return Row("100 apps: memory of the supervisor", [pair], unit="MB")


def measure_shape(bench: Bench, shape: Shape, fifo: Announcements) -> Iterator[Row]:
    """The rows of 100 processes in one shape; nothing runs afterwards."""
    file = sleepers(bench, shape, fifo)

    def title(verb: str) -> str:
        return f"{shape.title}: {verb}"

    def cycle(one: Subject) -> tuple[Change, Run]:
        return (
            start_all(one, fifo, shape.processes, one.apply, file),
            one.run("delete", "all"),
        )

    def restart(one: Subject) -> Change:
        return start_all(one, fifo, shape.processes, "restart", "all")

    say(f"{shape.title}: apply and delete")
    cycles = bench.in_turn(cycle, CYCLE_ROUNDS)
    for one in (bench.pm2, bench.ours):
        start_all(one, fifo, shape.processes, one.apply, file)
    say(f"{shape.title}: lists")
    lists = bench.in_turn(lambda one: one.run(one.table), LIST_ROUNDS)
    json_lists = bench.in_turn(lambda one: one.run("jlist"), LIST_ROUNDS)
    check_answers(bench.pm2, shape, (a for a, _ in lists), (a for a, _ in json_lists))
    check_answers(bench.ours, shape, (b for _, b in lists), (b for _, b in json_lists))
    say(f"{shape.title}: restart")
    restarts = bench.in_turn(restart, RESTART_ROUNDS)
    for one in (bench.pm2, bench.ours):
        one.expect(shape.processes)
        one.run("delete", "all")

    yield Row.of_runs(title("list / status"), lists, STATUS_TARGET)
    yield Row.of_runs(title("jlist"), json_lists)
    yield from change_rows(title("start / apply FILE"), [(a[0], b[0]) for a, b in cycles])
    yield from change_rows(title("restart all"), restarts)
    yield Row.of_runs(title("delete all"), [(a[1], b[1]) for a, b in cycles])


def check_answers(
    subject: Subject, shape: Shape, tables: Iterable[Run], lists: Iterable[Run]
) -> None:
    """Raise MeasuringFailed unless every answer that was timed tells of every process."""
    for answer in tables:
        if answer.output.count("sleeper-") != shape.processes:
            raise MeasuringFailed(f"{subject.name} does not show all:\n{answer.output}")
    for answer in lists:
        if len(set(subject.processes(answer))) != shape.processes:
            raise MeasuringFailed(f"{subject.name} does not list all:\n{answer.output}")


def change_rows(title: str, pairs: list[tuple[Change, Change]]) -> Iterator[Row]:
    """Both rows of a command that starts processes."""
    yield Row(f"{title}, all running", [(pm2.up, ours.up) for pm2, ours in pairs])
    yield Row.of_runs(f"{title}, returned", [(pm2.run, ours.run) for pm2, ours in pairs])


def measure_crash(bench: Bench, script: str, title: str) -> Row:
    """How long an app is away after a SIGKILL."""
    say(title)
    with ExitStack() as stack:
        victims = {
            one.name: stack.enter_context(
                crash.victim(one, script, PORTS[one.name], bench.directory)
            )
            for one in (bench.pm2, bench.ours)
        }
        return Row(title, bench.in_turn(lambda one: victims[one.name].crash(), CRASH_ROUNDS))


def floor(bench: Bench) -> str:
    """What no manager can be quicker than: the start of the Node app by itself."""
    times = [
        crash.start_alone("http-answer.js", PORTS["alone"], bench.directory)
        for _ in range(CRASH_ROUNDS)
    ]
    return f"Of the time to the HTTP answer, at least {min(times):.0f} ms are Node's own start."


def sleepers(bench: Bench, shape: Shape, fifo: Announcements) -> str:
    """The path of a file whose apps do nothing, and tell their pids through the fifo."""
    path = bench.directory / "sleepers.json"
    return workloads.write_file(path, "sleeper.sh", shape, {"ANNOUNCE": str(fifo.path)})


def start_all(one: Subject, fifo: Announcements, count: int, *arguments: str) -> Change:
    """Run a command that starts ``count`` processes, and see them start."""
    command = one.start(*arguments)
    up = fifo.wait_for(count) - command.since
    return Change(up * 1e3, command.end())


def say(what: str) -> None:
    """Tell what is being measured."""
    print(f"benchmarks: {what}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
