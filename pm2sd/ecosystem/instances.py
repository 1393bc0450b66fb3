"""How many instances an app has, and in which mode they run."""

from __future__ import annotations

import posixpath

from pm2sd.ecosystem.app import ExecMode
from pm2sd.ecosystem.subject import Subject

_CLUSTERED = ("node", "nodejs", "bun")


def count(subject: Subject) -> int:
    """The number of instances, at least 1.

    ``max`` is one per CPU that this user may use, -1 all of them but one (PM2: lib/God.js,
    executeApp).
    """
    written = subject.declared.values.get("instances")
    cpus = subject.machine.cpu_count()
    if written in ("max", 0):
        return cpus
    if not isinstance(written, int):
        return 1
    return max(1, cpus + written) if written < 0 else written


def exec_mode(subject: Subject, interpreter: str) -> ExecMode:
    """The mode; where none was written a cluster, if instances of Node or bun were asked for.

    PM2: lib/Common.js, determineExecMode; ``interpreter`` is the one that was chosen.
    """
    written = written_mode(subject)
    if written is not None:
        return written
    clusters = posixpath.basename(interpreter).endswith(_CLUSTERED)
    if not clusters or "instances" not in subject.declared.values:
        return "fork"
    return "cluster"


def written_mode(subject: Subject) -> ExecMode | None:
    """The mode the user asked for; ``execute_command`` asks for fork, whatever else is said."""
    if subject.get("execute_command", bool):
        return "fork"
    match subject.get("exec_mode", str):
        case "cluster":
            return "cluster"
        case "fork":
            return "fork"
    return None
