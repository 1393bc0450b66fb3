"""The two that are compared: how each is called, and how its answers are read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import MeasuringFailed, Run, Started

PM2_BINARY = Path(__file__).parent / ".pm2/node_modules/.bin/pm2"

CONSOLE_SCRIPT = r"""#!{python}
# -*- coding: utf-8 -*-
import re
import sys
from pm2sd.__main__ import run
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\.pyw|\.exe)?$', '', sys.argv[0])
    sys.exit(run())
"""
"""What pip makes of ``[project.scripts]``, to the letter (distlib's SCRIPT_TEMPLATE)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A process manager under measurement.

    ``apply`` and ``table`` are its words for making an ecosystem file run and for showing what
    runs; ``jlist``, ``restart``, ``delete`` and ``--version`` are the same in both.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    apply: str
    table: str

    def start(self, *arguments: str) -> Started:
        """Start one of its commands."""
        return Started((*self.command, *arguments), self.environment)

    def run(self, *arguments: str) -> Run:
        """Run one of its commands to the end. Raises MeasuringFailed where it fails."""
        return self.start(*arguments).end()

    def version(self) -> str:
        """Its version, as ``--version`` prints it last."""
        return self.run("--version").output.split()[-1]

    def processes(self, answer: Run) -> list[int]:
        """The pids that an answer of its ``jlist`` holds; raises MeasuringFailed if one is down."""
        # PM2 prints what it has to say about its daemon on stdout, before the list.
        instances = json.loads(answer.output.splitlines()[-1])
        down = [one["name"] for one in instances if one["pm2_env"]["status"] != "online"]
        if down:
            raise MeasuringFailed(f"{self.name}: {len(down)} are not online: {', '.join(down[:5])}")
        return [one["pid"] for one in instances]

    def expect(self, count: int) -> None:
        """Raise MeasuringFailed unless exactly ``count`` different processes are alive."""
        alive = {pid for pid in self.processes(self.run("jlist")) if Path(f"/proc/{pid}").exists()}
        if len(alive) != count:
            raise MeasuringFailed(f"{self.name} runs {len(alive)} processes, not {count}")


def pm2(home: Path) -> Subject:
    """PM2 as npm installs it, with its daemon and files in a directory of its own."""
    if not PM2_BINARY.exists():
        raise MeasuringFailed("PM2 is not there: run benchmarks/fetch-pm2.sh first")
    environment = {**os.environ, "PM2_HOME": str(home)}
    return Subject("PM2", (str(PM2_BINARY),), environment, apply="start", table="list")


def pm2sd(script: Path) -> Subject:
    """The checkout, compiled by ``integration/provision``, as an installed ``pm2sd`` starts it."""
    script.write_text(CONSOLE_SCRIPT.format(python=sys.executable))
    script.chmod(0o755)
    return Subject("pm2sd", (str(script),), dict(os.environ), apply="apply", table="status")
