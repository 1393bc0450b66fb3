"""``python -m benchmarks.rolling [NODE]``: requests that fail while a cluster changes.

Four instances of an ordinary Node app, and two clients at once: 50 connections that are kept, and 8
with a connection for each request. First PM2, then pm2sd, with the same app and file. Part of
``make bench``; with the argument 18 or 24 everything runs on the Node that
integration/fetch-node.sh has fetched (18: Debian's own).
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import subjects
from benchmarks.clusters import Clients, Cluster, clients, cluster
from benchmarks.conditions import conditions
from benchmarks.measure import MeasuringFailed
from benchmarks.report import columns
from benchmarks.subjects import Subject
from integration.nodes import programs
from integration.stampede import Seen

INSTANCES = 4
RELOADS = 5


@dataclass(frozen=True, slots=True)
class Event:
    """What the clients saw of one event: kept connections, then one for each request.

    ``note`` is what else there is to tell of it.
    """

    title: str
    kept: Seen
    single: Seen
    note: str = ""


def events(subject: Subject, directory: Path) -> Iterator[Event]:
    """Every event, one after the other."""
    with (
        cluster(subject, directory, INSTANCES, delay=2) as running,
        clients(running.port) as both,
    ):
        both.until(both.well, "the first answer")

        def event(title: str, *works: Callable[[], object]) -> Event:
            print(f"benchmarks: {subject.name}: {title}", file=sys.stderr)
            statuses = {str(work()) for work in works}
            return Event(title, *both.seen(), note=f"exit status {' '.join(sorted(statuses))}")

        reload = lambda: running.do("reload", running.name)  # noqa: E731
        yield event(f"rolling reload, {RELOADS} times", *[reload] * RELOADS)
        numbers = range(INSTANCES)
        yield event("restart of each instance", *(lambda n=n: restart(running, n) for n in numbers))
        counts = ("2", "6", "2")
        yield event(
            "scale to 2, 6, 2", *(lambda n=n: running.do("scale", running.name, n) for n in counts)
        )
        running.do("scale", running.name, str(INSTANCES))
        for build, title in (("broken", "a build that throws"), ("stuck", "one never ready")):
            both.until(both.well, "recovery")
            running.build.write_text(build)
            yield event(f"reload into {title}", reload)
            running.build.write_text("good")
            running.do("restart", running.name)
        both.until(both.well, "recovery")
        yield kill(running, both)


def restart(running: Cluster, number: int) -> int:
    """Restart one instance, by ``pm2 restart ID`` or systemctl."""
    if running.subject.name == "PM2":
        return running.do("restart", str(running.instances()[number][0]))
    unit = f"{running.name}@{number}"
    return subprocess.run(["systemctl", "--user", "restart", unit], check=False).returncode


def kill(running: Cluster, both: Clients) -> Event:
    """SIGKILL of the busiest instance; the note tells how many failures were not its own."""
    busiest = both.kept.seen(500).answers.most_common(1)[0][0]
    victim = int(busiest.split()[1])
    both.seen()
    process = os.pidfd_open(victim)
    os.kill(victim, signal.SIGKILL)
    select.select([process], [], [], 10)
    gone = time.time()
    os.close(process)

    def again() -> bool:
        try:
            pids = {pid for _, pid in running.instances().values()}
        except MeasuringFailed:
            return False
        return len(pids) == INSTANCES and pids.isdisjoint((0, victim))

    kept, single = both.seen()
    strays = [
        one
        for one in (*kept.failures, *single.failures)
        if one.answered_by not in ("", busiest) or (not one.answered_by and one.began > gone)
    ]
    both.until(again, "the restart of the killed instance")
    return Event("SIGKILL of one instance", kept, single, f"{len(strays)} of others failed")


def rows(pm2: list[Event], ours: list[Event]) -> Iterator[tuple[str, ...]]:
    """The cells of the table, and the sum of all in the last one."""
    for theirs, own in zip(pm2, ours, strict=True):
        yield (own.title, "kept", failed(theirs.kept), failed(own.kept), theirs.note, own.note)
        yield ("", "one each", failed(theirs.single), failed(own.single), "", "")
    sums = (
        failed(Seen.together(seen for one in some for seen in (one.kept, one.single)))
        for some in (pm2, ours)
    )
    yield ("all", "both", *sums, "", "")


def failed(seen: Seen) -> str:
    return f"{len(seen.failures):,} of {seen.sent:,}"


HEADINGS = ("event", "connections", "PM2 failed", "pm2sd failed", "PM2", "pm2sd")


def report(pm2: Subject, ours: Subject, directory: Path) -> str:
    """The table."""
    theirs = list(events(pm2, directory))
    return columns([HEADINGS, *rows(theirs, list(events(ours, directory)))])


def use_node(version: str) -> None:
    """Has all that is started from now on use a Node of integration/fetch-node.sh."""
    place = programs(version)
    if place is None:
        raise MeasuringFailed(f"no Node {version}: run integration/fetch-node.sh first")
    os.environ["PATH"] = f"{place}:{os.environ['PATH']}"


def main() -> int:
    """Measure, and print the table."""
    if os.environ.get("PM2SD_SANDBOX") != "1":
        print("benchmarks: they run in the sandbox only: make bench", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        try:
            if sys.argv[1:]:
                use_node(sys.argv[1])
            pm2, ours = subjects.pm2(home / "pm2"), subjects.pm2sd(home / "pm2sd")
            try:
                print(conditions(pm2, ours), end="\n\n")
                print(report(pm2, ours, home))
            finally:
                pm2.run("kill")
        except MeasuringFailed as failure:
            print(f"benchmarks: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
