"""A cluster of an unmodified Node app under a subject, with builds that can be bad."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import MeasuringFailed
from benchmarks.subjects import Subject
from benchmarks.workloads import APPS
from integration.stampede import Seen, Stampede

KEPT, SINGLE = 50, 8
"""How many connections the clients have at once: the one that keeps them, and the other."""

READY_SECONDS = 2
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster."""

    subject: Subject
    name: str
    port: int
    build: Path

    def do(self, *arguments: str) -> int:
        """Run one of the subject's commands; its exit status."""
        command = [*self.subject.command, *arguments]
        environment = dict(self.subject.environment)
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    def instances(self) -> dict[int, tuple[int, int]]:
        """The id and pid of each instance by its number."""
        found = json.loads(self.subject.run("jlist").output.splitlines()[-1])
        return {
            int(one["pm2_env"]["NODE_APP_INSTANCE"]): (one["pm_id"], one["pid"])
            for one in found
            if one["name"] == self.name
        }


@contextmanager
def cluster(
    subject: Subject, directory: Path, instances: int, *, delay: int = 0, **options: Any
) -> Iterator[Cluster]:
    """Runs one until the end of the context."""
    name = "cluster-" + "-".join((subject.name, *options)).lower()
    build = directory / f"{name}.build"
    build.write_text("good")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    app = {
        "name": name,
        "script": str(APPS / "builds.js"),
        "exec_mode": "cluster",
        "instances": instances,
        "wait_ready": True,
        "listen_timeout": READY_SECONDS * 1000,
        "env": {"PORT": port, "BUILD": str(build), **({"DELAY": delay} if delay else {})},
        **options,
    }
    file = directory / f"{name}.json"
    file.write_text(json.dumps({"apps": [app]}))
    running = Cluster(subject, name, port, build)
    subject.run(subject.apply, str(file))
    try:
        yield running
    finally:
        running.do("delete", name)


@dataclass(frozen=True, slots=True)
class Clients:
    """Both kinds of clients."""

    kept: Stampede
    single: Stampede

    def seen(self) -> tuple[Seen, Seen]:
        """What each saw since the last call, and of some hundred more requests."""
        return self.kept.seen(500), self.single.seen(100)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something; what the clients see meanwhile does not count."""
        giving_up = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > giving_up:
                raise MeasuringFailed(f"{what} did not happen")
            time.sleep(0.1)

    def well(self) -> bool:
        """Whether all requests are answered now."""
        return not any(one.failures for one in self.seen())


@contextmanager
def clients(port: int) -> Iterator[Clients]:
    """Clients of both kinds, who ask as fast as they can until the end of the context."""
    with ExitStack() as stack:
        kept = stack.enter_context(Stampede(port, connections=KEPT, keep_alive=True))
        single = stack.enter_context(Stampede(port, connections=SINGLE, keep_alive=False))
        yield Clients(kept, single)
