"""What a table was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime

from benchmarks.subjects import Subject


def conditions(pm2: Subject, ours: Subject) -> str:
    """One paragraph: the day, the versions, the machine and how busy it is."""
    today = datetime.now(UTC)
    python, node = platform.python_version(), _first_line("node", "--version")
    return (
        f"{today.day} {today:%B %Y}: pm2sd {ours.version()} on Python {python} and "
        f"systemd {_systemd()}, PM2 {pm2.version()} on Node {node}, "
        f"Linux {platform.release()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}."
    )


def _systemd() -> str:
    return _first_line("systemctl", "--version").split()[1]


def _first_line(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]
