"""PM2's daemons of this user and what they run, as the process table has them.

PM2's own command is not asked: it starts a daemon where none runs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Final

_TITLE: Final = "God Daemon"  # lib/Daemon.js of PM2: "PM2 v7.0.4: God Daemon (/home/me/.pm2)"


@dataclass(frozen=True, slots=True)
class Pm2Process:
    """A process that a daemon started: the name PM2 has for it, and its pids with descendants."""

    name: str
    pids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Pm2Daemon:
    """A daemon that runs, and its PM2_HOME."""

    pid: int
    home: str
    processes: tuple[Pm2Process, ...]


def pm2_daemons() -> tuple[Pm2Daemon, ...]:
    """The daemons that run for this user, with the processes they started."""
    import psutil

    uid = os.getuid()
    parents: dict[int, list[int]] = {}
    found: dict[int, str] = {}
    for process in psutil.process_iter(("pid", "ppid", "uids", "cmdline")):
        parents.setdefault(process.info["ppid"], []).append(process.info["pid"])
        title = " ".join(process.info["cmdline"] or ())
        if _TITLE in title and process.info["uids"] and process.info["uids"].real == uid:
            found[process.info["pid"]] = title
    # What a daemon starts has its title for the moment between fork(2) and execve(2).
    forks = {child for pid in found for child in parents.get(pid, ())}
    return tuple(
        Pm2Daemon(
            pid,
            # The title says it, too, but is cut to the length of the command line.
            _environment(pid).get("PM2_HOME") or title,
            tuple(
                Pm2Process(name, frozenset(_descendants(child, parents)))
                for child in parents.get(pid, ())
                if (name := _name(child)) is not None
            ),
        )
        for pid, title in found.items()
        if pid not in forks
    )


def _name(pid: int) -> str | None:
    """PM2 gives each process the variables ``name`` and ``pm_id``, in a cluster all as JSON."""
    environ = _environment(pid)
    if "pm2_env" in environ:
        try:
            return str(json.loads(environ["pm2_env"])["name"])
        except (ValueError, KeyError, TypeError):
            return None
    return environ.get("name") if "pm_id" in environ else None


def _environment(pid: int) -> dict[str, str]:
    import psutil

    try:
        return psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return {}


def _descendants(pid: int, parents: dict[int, list[int]]) -> list[int]:
    found = [pid]
    for one in found:
        found += parents.get(one, ())
    return found
