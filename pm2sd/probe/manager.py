"""The user manager, asked through systemctl(1)."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from pm2sd.probe.shown import shown

_PROPERTIES = ("Id", "ActiveState", "MainPID", "InvocationID", "ActiveEnterTimestampMonotonic")


class Instance(NamedTuple):
    """An instance that is up: ``run`` names this life of it, ``since`` is CLOCK_MONOTONIC."""

    unit: str
    number: int
    pid: int
    run: str
    since: float

    @property
    def private(self) -> str:
        """The directory of its own sockets, and of what is remembered about this life."""
        base = os.environ["XDG_RUNTIME_DIR"]
        return f"{base}/pm2sd/probe/{self.unit.removesuffix('.service')}"

    def remembered(self, what: str) -> int:
        """A number that was noted in this life, 0 without one."""
        try:
            with open(f"{self.private}/{what}", encoding="ascii") as note:
                run, number = note.read().split()
        except (OSError, ValueError):
            return 0
        return int(number) if run == self.run else 0

    def remember(self, what: str, number: int) -> None:
        """Note a number; not of one that has ended meanwhile, whose directory is gone."""
        try:
            with open(f"{self.private}/{what}", "w", encoding="ascii") as note:
                note.write(f"{self.run} {number}")
        except FileNotFoundError:
            pass


def instances(app: str) -> list[Instance]:
    """The instances of ``app`` (its unit name) that are active, not those being started."""
    return [
        Instance(
            values["Id"],
            int(values["Id"].removesuffix(".service").rpartition("@")[2]),
            int(values["MainPID"]),
            values["InvocationID"],
            int(values["ActiveEnterTimestampMonotonic"]) / 1e6,
        )
        for values in shown(app, _PROPERTIES)
        if values["ActiveState"] == "active" and values["MainPID"] != "0"
    ]


def systemctl(*arguments: str) -> None:
    """Have the manager do something; what it has to say goes to standard error."""
    subprocess.run(("systemctl", "--user", "--quiet", *arguments), check=False)
