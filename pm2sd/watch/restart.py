"""Restarting an app's instances for a change."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

_PROPERTIES: Final = (
    "Id",
    "ActiveState",
    "NRestarts",
    "ActiveExitTimestampMonotonic",
    "ExecMainStartTimestampMonotonic",
    "ExecMainExitTimestampMonotonic",
)
# systemd.exec(5): only services of a user's manager have the variable.
_SYSTEM: Final = os.getuid() == 0 and "MANAGERPID" not in os.environ
_SYSTEMCTL: Final = ("systemctl",) if _SYSTEM else ("systemctl", "--user")
_RUNTIME: Final = os.environ.get("XDG_RUNTIME_DIR") or "/run"
_EXTRA: Final = f"{_RUNTIME}/systemd/{'system' if _SYSTEM else 'user'}/{{}}.d/10-pm2sd.conf"
"""The drop-in of an instance that is there for the time of a reload (pm2sd/control/extra.py)."""
_UP: Final = ("active", "activating", "reloading", "refreshing")


class Instance(NamedTuple):
    """An instance: microseconds of CLOCK_MONOTONIC, 0 for what never was.

    ``restarts`` counts as systemd does: the one that the start limit refused is in it.
    """

    unit: str
    active: str
    restarts: int
    left: int
    started: int
    ended: int

    @property
    def is_up(self) -> bool:
        """Whether it runs, or will be started again by itself."""
        return self.active in _UP

    @property
    def has_ended(self) -> bool:
        """Whether it went down by itself: then a change may be what it waits for.

        Of one that was stopped on request the unit stops being active before its process ends.
        """
        return self.active == "failed" or (
            self.active == "inactive" and 0 < self.ended <= self.left
        )


def restart(name: str) -> list[str]:
    """Restart the instances of ``NAME@.service``, all at once, and wait; their units.

    One that was stopped on request stays down. What systemctl has to say goes to standard error.
    """
    found = instances(name)
    up = [one.unit for one in found if one.is_up]
    ended = [one.unit for one in found if one.has_ended]
    if up or ended:
        _keep_counts([one for one in found if one.is_up or one.has_ended])
        # Restarts count against the start limit, which is about crashes.
        _systemctl("reset-failed", *up, *ended)
    if up:
        _systemctl("try-restart", *up)
    if ended:
        _systemctl("start", *ended)
    return [*up, *ended]


def _keep_counts(found: Sequence[Instance]) -> None:
    """Count the restarts of instances where ``status`` looks for them (pm2sd/systemd/restarts.py).

    systemd is about to forget its own, and never counts one of an instance that runs.
    """
    directory = f"{_RUNTIME}/pm2sd/restarts"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        for one in found:
            refused = one.active == "failed" and one.restarts > 0
            count = one.restarts - refused + (one.active == "active")
            with open(f"{directory}/{one.unit}", "ab") as file:
                file.write(b"." * count)
    except OSError as error:
        print(f"cannot count the restart: {error}", file=sys.stderr)


def last_start(name: str) -> float:
    """When the first of the processes that run now was started, in seconds of the monotonic clock.

    Now, if none runs.
    """
    now = time.monotonic()
    return min((one.started / 1e6 for one in instances(name) if one.is_up), default=now)


def instances(name: str) -> list[Instance]:
    """The loaded instances of an app, by their numbers.

    Without the extra one of a reload: that goes by itself, and the reload would take its end for
    that of an app that does not come up.
    """
    shown = subprocess.run(
        [
            *(*_SYSTEMCTL, "show", "--all", f"--property={','.join(_PROPERTIES)}"),
            *("--", f"{name}@*.service"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout
    found = []
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in values and not os.path.exists(_EXTRA.format(values["Id"])):
            numbers = [int(values[name] or 0) for name in _PROPERTIES[2:]]
            found.append(Instance(values["Id"], values["ActiveState"], *numbers))
    return sorted(found, key=lambda one: (len(one.unit), one.unit))


def _systemctl(verb: str, *units: str) -> None:
    command: Sequence[str] = (*_SYSTEMCTL, "--quiet", verb, "--", *units)
    subprocess.run(command, check=False)
