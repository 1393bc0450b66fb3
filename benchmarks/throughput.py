"""Requests per second of a cluster, how they spread over its instances, and its memory.

The load on clusters that run side by side comes in turn, from wrk (Debian's package) where it is
about speed, and from clients who read the answers where it is about balance.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import memory
from benchmarks.clusters import KEPT, SINGLE, Cluster, cluster
from benchmarks.measure import MeasuringFailed, in_turn
from benchmarks.report import Row, columns
from benchmarks.subjects import Subject
from benchmarks.workloads import APPS
from integration.stampede import Stampede

ROUNDS = 5
SECONDS = 3
BALANCE_ROUNDS = 3
KINDS = {"kept connections": (), "a connection each": ("-H", "Connection: close")}
TARGETS = {"kept connections": 1.2, "a connection each": 2.5}
BALANCE_OF = 4
"""Instances whose balance is measured."""


def memories(pm2: Subject, ours: Subject, directory: Path) -> Iterator[Row]:
    """What a cluster of two instances adds to the memory of the app itself.

    To be asked first: what systemd has freed hides what it takes anew.
    """
    say("memory of clusters")
    before = memory.systemd()
    with cluster(ours, directory, 2) as own:
        grown = memory.systemd() - before
        with cluster(pm2, directory, 2) as theirs:
            daemon = int(Path(pm2.environment["PM2_HOME"], "pm2.pid").read_text())
            supervisors = (memory.proportional(daemon), grown)
            instances = (above(theirs, directory), above(own, directory))
    yield Row("2 instances: memory of the supervisor", [supervisors], unit="MB")
    yield Row("2 instances: memory of each above the app's own", [instances], unit="MB")


def speeds(pm2: Subject, ours: Subject, directory: Path) -> Iterator[Row]:
    """Requests per second of two instances."""
    with (
        cluster(pm2, directory, 2) as theirs,
        cluster(ours, directory, 2) as one,
        cluster(ours, directory, 2, reuse_port=True) as reuse,
    ):
        for kind, options in KINDS.items():
            for own, title in ((one, "one socket"), (reuse, "reuse_port")):
                say(f"requests per second, {kind}, {title}")
                pairs = in_turn(speed(theirs, options), speed(own, options), ROUNDS)
                target = TARGETS[kind] if own is one else None
                yield Row(f"2 instances, {title}: {kind}", pairs, unit="/s", at_least=target)


def speed(running: Cluster, options: tuple[str, ...]) -> Callable[[], float]:
    """Measures the requests per second, and raises MeasuringFailed where one fails."""
    url = f"http://127.0.0.1:{running.port}/"
    command = ["wrk", "-t2", "-c64", f"-d{SECONDS}s", *options, url]

    def measure() -> float:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"Requests/sec: +([\d.]+)", told)
        if not found or "Non-2xx" in told:
            raise MeasuringFailed(f"wrk and {running.subject.name}: {told}")
        return float(found[1])

    return measure


def above(running: Cluster, directory: Path) -> float:
    """Anonymous memory of an instance in MB, less that of the same app started by hand.

    What is mapped from files, Node's own code, is shared by all.
    """
    pids = [pid for _, pid in running.instances().values()]
    return median(memory.anonymous(pid) for pid in pids) - alone(directory)


def alone(directory: Path) -> float:
    """The median of some starts of the app without a manager."""
    build = directory / "alone.build"
    build.write_text("good")
    environment = {**os.environ, "PORT": "0", "BUILD": str(build)}
    script = "process.send = () => console.log('ready');"
    command = ["node", "-e", f"{script} require({str(APPS / 'builds.js')!r})"]
    found = []
    for _ in range(ROUNDS):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        found.append(memory.anonymous(process.pid))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return median(found)


def balance(pm2: Subject, ours: Subject, directory: Path) -> str:
    """A table: the least and the greatest share of four instances, in each of some rounds."""
    lines: list[list[str]] = [
        ["share of requests", "PM2", "pm2sd, one socket", "pm2sd, reuse_port"]
    ]
    with ExitStack() as stack:
        all_three = [
            stack.enter_context(cluster(pm2, directory, BALANCE_OF)),
            stack.enter_context(cluster(ours, directory, BALANCE_OF)),
            stack.enter_context(cluster(ours, directory, BALANCE_OF, reuse_port=True)),
        ]
        for title, connections, keep in (
            (f"{KEPT} kept connections", KEPT, True),
            (f"{SINGLE} clients, a connection each", SINGLE, False),
        ):
            say(f"balance, {title}")
            rounds = [
                [shares(one, connections, keep) for one in all_three] for _ in range(BALANCE_ROUNDS)
            ]
            lines.append([title, *("; ".join(column) for column in zip(*rounds, strict=True))])
    return columns(lines)


def shares(running: Cluster, connections: int, keep_alive: bool) -> str:
    """The least and the greatest share of the instances in the requests of new clients."""
    with Stampede(running.port, connections=connections, keep_alive=keep_alive) as load:
        load.seen(connections)
        answers = load.seen(10_000 if keep_alive else 4_000).answers
    parts: Counter[str] = Counter({str(number): 0 for number in range(BALANCE_OF)})
    for text, count in answers.items():
        parts[text.split()[0]] += count
    percent = sorted(100 * count / parts.total() for count in parts.values())
    return f"{percent[0]:.0f}-{percent[-1]:.0f} %"


def say(what: str) -> None:
    """Tell what is being measured."""
    print(f"benchmarks: {what}", file=sys.stderr)
