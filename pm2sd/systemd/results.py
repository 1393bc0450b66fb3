"""How a service ended, in words: Result, ExecMainCode and ExecMainStatus of a unit."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pm2sd.probe import NOT_IN_TIME
from pm2sd.systemd.restarts import automatic

# ExecMainCode is the si_code of SIGCHLD (sigaction(2)); the journal has the words.
CLD_EXITED, CLD_KILLED, CLD_DUMPED = 1, 2, 3
CODES = {"exited": CLD_EXITED, "killed": CLD_KILLED, "dumped": CLD_DUMPED}
_WORDS = {code: word for word, code in CODES.items()}

UNREADY: Final = "was not ready within listen_timeout"
LEFTOVERS: Final = "left processes behind that did not stop within kill_timeout and were killed"

# Result= of a service (systemd.exec(5), $SERVICE_RESULT) -> what to tell people; "" where the
# exit status or signal says it better.
_RESULTS = {
    "success": "ended",
    "timeout": "did not start or stop in time",
    "exit-code": "",
    "signal": "",
    "core-dump": "",
    "watchdog": "failed its health check",
    "unready": UNREADY,
    "leftovers": LEFTOVERS,
    "unhealthy": "failed its health check",
    "start-limit-hit": "was started too often in too short a time",
    "oom-kill": "ran out of memory and was killed (oom)",
    "protocol": "ended before it was ready",
    "resources": "could not be started: a file or directory it needs is missing",
}


class _Properties(Protocol):
    def get_all(self, unit: str, /) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """The last end of a service's main process; ``code`` is 0 while it has not ended.

    ``result`` is systemd's; ``unready`` where it was not ready in time, ``leftovers`` where it
    ended, but others of its processes did not. ``awaited``: the manager waits for its readiness.
    ``unfinished``: others of its processes are being stopped, and the result is not known yet.
    """

    result: str
    code: int
    status: int
    restarts: int
    awaited: bool = False
    unfinished: bool = False

    @property
    def was_killed(self) -> bool:
        """Whether it is the main process that the manager had to kill, if any."""
        return (self.code, self.status) == (CLD_KILLED, signal.SIGKILL)

    def __str__(self) -> str:
        words = _RESULTS.get(self.result, self.result)
        ended = exit_words(_WORDS.get(self.code, ""), self.status)
        if self.result == "oom-kill" or not ended:
            return words or "failed"
        if self.result in ("success", "start-limit-hit"):  # the end counts, not the giving up
            return ended
        if self.result == "leftovers":
            return f"{ended} and {words}"
        return f"{words} ({ended})" if words else ended


def exit_words(code: str, status: int) -> str:
    """``exited with code 1``, ``was killed by SIGKILL``; empty for a code that is no ending.

    ``code`` is ``exited``, ``killed`` or ``dumped``.
    """
    if code == "exited":
        return f"exited with code {status}"
    if code not in ("killed", "dumped"):
        return ""
    try:
        name = signal.Signals(status).name
    except ValueError:
        name = f"signal {status}"
    return f"was killed by {name}" + (" (core dumped)" if code == "dumped" else "")


def ending(bus: _Properties, unit: str) -> Ending:
    """How the unit's process ended last, and how often it was restarted since it was started.

    In one question: between two, systemd may have started it again.
    """
    found = bus.get_all(unit)
    after_start = found["ExecStartPost"]
    *_, post_status = (status for *_, status in [(0,), *after_start])
    result = "unready" if post_status == NOT_IN_TIME else found["Result"]
    restarts = automatic(found["ActiveState"], found["NRestarts"])
    awaited = found["Type"] == "notify" or bool(after_start)
    return Ending(
        result,
        found["ExecMainCode"],
        found["ExecMainStatus"],
        restarts,
        awaited,
        unfinished=found["ActiveState"] == "deactivating",
    )
