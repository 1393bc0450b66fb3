"""What stays in memory: MB of resident processes, from /proc (proc(5))."""

from __future__ import annotations

import os
import re
from pathlib import Path


def proportional(pid: int) -> float:
    """MB of PSS: what is shared with other processes counts in part."""
    return _megabytes(Path("/proc", str(pid), "smaps_rollup"), "Pss")


def anonymous(pid: int) -> float:
    """MB that are the process's own, without what is mapped from files."""
    return _megabytes(Path("/proc", str(pid), "status"), "RssAnon")


def _megabytes(path: Path, field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    if not found:
        raise OSError(f"{path} has no {field}")
    return int(found[1]) / 1024


def systemd() -> float:
    """MB of this user's manager and of journald, which both serve every unit.

    What journald has mapped of its files is the page cache's and does not count.
    """
    manager = proportional(_pid_of("systemd", os.getuid()))
    return manager + anonymous(_pid_of("systemd-journal", 0))


def _pid_of(comm: str, uid: int) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
            owner = process.stat().st_uid
        except FileNotFoundError:
            continue
        if name == comm and owner == uid and process.name != "1":
            return int(process.name)
    raise OSError(f"no process {comm} of user {uid}")
