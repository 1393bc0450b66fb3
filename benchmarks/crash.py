"""From SIGKILL to the next process: how long an app is away after it crashed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import workloads
from benchmarks.announcements import Announcements
from benchmarks.measure import MeasuringFailed
from benchmarks.subjects import Subject

# A run shorter than min_uptime (1 s in both) counts as a failed start.
LIFETIME = 1.5


@dataclass(slots=True)
class Victim:
    """A running app that can be killed again and again; ``port`` is None for one that has none."""

    announcements: Announcements
    port: int | None
    pid: int
    since: float

    def crash(self) -> float:
        """Kill it and give the milliseconds until the process that replaces it is ready."""
        time.sleep(max(0.0, self.since + LIFETIME - time.monotonic()))
        killed = time.perf_counter()
        os.kill(self.pid, signal.SIGKILL)
        self.pid = await_ready(self.announcements, self.port)
        away = time.perf_counter() - killed
        self.since = time.monotonic()
        return away * 1e3


@contextmanager
def victim(subject: Subject, script: str, port: int, directory: Path) -> Iterator[Victim]:
    """A script of ``benchmarks/apps`` under a subject, ready; deleted from it afterwards."""
    with Announcements(directory / f"{subject.name}.fifo") as announcements:
        file = directory / f"{subject.name}-victim.json"
        environment = _environment(announcements, port)
        subject.run(subject.apply, workloads.write_file(file, script, workloads.ONE, environment))
        asked = port if script.endswith(".js") else None
        pid = await_ready(announcements, asked)
        yield Victim(announcements, asked, pid, time.monotonic())
        subject.run("delete", "all")


def start_alone(script: str, port: int, directory: Path) -> float:
    """The milliseconds that a Node app of ``benchmarks/apps`` itself takes to be ready."""
    with Announcements(directory / "alone.fifo") as announcements:
        environment = {**os.environ, **_environment(announcements, port)}
        started = time.perf_counter()
        process = subprocess.Popen(["node", str(workloads.APPS / script)], env=environment)
        try:
            await_ready(announcements, port)
            return (time.perf_counter() - started) * 1e3
        finally:
            process.kill()
            process.wait()


def await_ready(announcements: Announcements, port: int | None) -> int:
    """The pid of the next process, once it answers on its port where it has one."""
    pid = announcements.next()
    if port is not None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            answer = response.read().decode()
        if answer != str(pid):
            raise MeasuringFailed(f"port {port} answered {answer!r}, not process {pid}")
    return pid


def _environment(announcements: Announcements, port: int) -> Mapping[str, str]:
    return {"ANNOUNCE": str(announcements.path), "PORT": str(port)}
