"""``failed``: tell that systemd gave an instance up; what ``OnFailure=`` starts.

    failed --name=TEXT --number=N --unit=UNIT [--log=PATH] [--log-err=PATH]

systemd says in the environment how the instance ended (systemd.exec(5)).
"""

from __future__ import annotations

import os
import time

from pm2sd.probe.orders import orders
from pm2sd.probe.telling import Ending, Event, tell

_SETTLED = 0.2
"""Seconds after which the journal has the last lines of an app; only root may have it synced."""

_WORDS = {
    "timeout": "did not start or stop in time",
    "oom-kill": "ran out of memory and was killed (oom)",
    "watchdog": "failed its health check",
    "start-limit-hit": "was started too often in too short a time",
}


def main(arguments: list[str]) -> int:
    """Tell; 1 if nobody heard."""
    given = orders(arguments)
    result = os.environ.get("MONITOR_SERVICE_RESULT", "")
    status = os.environ.get("MONITOR_EXIT_STATUS", "")
    exited = os.environ.get("MONITOR_EXIT_CODE") == "exited"
    end = Ending(
        result,
        int(status) if exited and status.isdigit() else None,
        f"SIG{status}" if status and not exited else None,
    )
    number = given.text("number")
    name = f"{given.text('name')}@{number}"
    event = Event(
        "failed", "failed", given.text("name"), int(number), given.text("unit"),
        f"{name} has failed and is not started again: {how(end)}",
    )  # fmt: skip
    logs = dict.fromkeys(path for path in (given.text("log"), given.text("log-err")) if path)
    time.sleep(_SETTLED)
    return int(not tell(event, end, (), logs=tuple(logs)))


def how(end: Ending) -> str:
    """The end in words."""
    if end.result in _WORDS:
        return _WORDS[end.result]
    if end.exit_code is not None:
        return f"it exited with code {end.exit_code}"
    return f"it was killed by {end.signal}" if end.signal else end.result or "it is not known why"
