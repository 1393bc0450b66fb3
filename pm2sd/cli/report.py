"""ping, report: what answers here, for people and their bug reports."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from typing import Any

from pm2sd import __version__
from pm2sd.cli import output
from pm2sd.cli.status import Json
from pm2sd.errors import NoUserManager
from pm2sd.systemd import scope
from pm2sd.systemd.bus import Bus


def ping() -> None:
    """Say whether the user manager answers. Exits 6 with the cause where it does not."""
    manager = "the machine's manager" if scope.system else "your user manager"
    with Bus.open() as bus:
        output.emit(f"systemd {bus.manager('Version')} answers as {manager}")


def report(json: Json = False) -> None:
    """Print versions, the machine, the apps' states and what doctor warns of.

    No variable of any app is in it.
    """
    found = _report()
    if json:
        output.emit_json(found)
        return
    for key, value in found.items():
        if key not in ("apps", "doctor"):
            output.emit(f"{key.replace('_', ' ').ljust(16)} {value}")
    if found["apps"]:
        from pm2sd.cli.listing import print_status

        output.emit("")
        print_status()
    if found["doctor"]:
        output.emit("\n".join(["", *found["doctor"]]))


def _report() -> dict[str, Any]:
    from pm2sd.cli.doctor import examined
    from pm2sd.cli.listing import listed, record
    from pm2sd.observe.known import Known
    from pm2sd.systemd.paths import unit_directory
    from pm2sd.systemd.user import lingers, user_name

    user = user_name()
    at_boot = {} if scope.system else {"lingers": "yes" if lingers(user) else "no"}
    found: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "pm2sd": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": _distribution(),
        "cpus": os.cpu_count(),
        "user": f"{user} ({os.getuid()})",
        **at_boot,
        "unit_directory": str(unit_directory()),
        "path": os.environ.get("PATH", ""),
    }
    try:
        with Bus.open() as bus:
            found["systemd"] = str(bus.manager("Version"))
            found["manager_state"] = str(bus.manager("SystemState"))
            found["control_group"] = str(bus.manager("ControlGroup")) or "/"
        found["apps"] = [record(row) for row in listed(Known.read(), None)]
    except NoUserManager as none:
        found |= {"systemd": f"no user manager: {none.message}", "apps": []}
    # Without what apps said last, which may hold anything.
    found["doctor"] = [
        f"{one.finding.status} {one.check}: {f'{one.finding.app}: ' if one.finding.app else ''}"
        f"{one.finding.message}"
        for one in examined(None)
        if one.finding.status in ("warn", "fail")
    ]
    return found


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "unknown"
