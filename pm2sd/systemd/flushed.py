"""When ``flush`` hid an app's journal: a line of its own cannot be taken out of the journal.

``$XDG_STATE_HOME/pm2sd/flushed/NAME`` holds the moment as the journal does: microseconds since 1970
and of the monotonic clock, and the id of the boot. So what an app says after the clock was set back
is not taken for what it said before.
"""

from __future__ import annotations

from pathlib import Path

from pm2sd.systemd.clock import Clocks, Moment
from pm2sd.systemd.durable import failure, replace
from pm2sd.systemd.paths import state_directory


def load(unit_name: str) -> Moment | None:
    """The moment before which an app's journal is hidden; None if it never was, or is not known."""
    try:
        realtime, monotonic, boot = _path(unit_name).read_text(encoding="ascii").split()
        return Moment(int(realtime), int(monotonic), boot)
    except (OSError, ValueError):
        return None


def save(unit_name: str) -> Moment:
    """Hide what is in the journal until now; that moment. Raises Pm2sdError."""
    now = Clocks.read().now
    path = _path(unit_name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, f"{now.realtime} {now.monotonic} {now.boot}\n".encode())
    except OSError as error:
        raise failure(error, "write", path) from error
    return now


def _path(unit_name: str) -> Path:
    return state_directory() / "flushed" / unit_name
