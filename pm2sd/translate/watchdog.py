"""``health`` by systemd's watchdog, which the preload feeds (``pm2sd/node/preload/health.cjs``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.options.checks import LEAST_PAUSE, pause
from pm2sd.notes import Fidelity, Note
from pm2sd.translate.node import has_preload, is_node

OPEN_FILE_SINCE: Final = 253
"""OpenFile= (NEWS of 253). It hands over a socket that is connected to the manager's, on which
Node, which has no datagrams of Unix sockets, can write."""

_NAME: Final = "pm2sd-notify"
"""What the descriptor is called in LISTEN_FDNAMES; the preload looks for it."""

_PLAIN: Final = re.compile(r"/[A-Za-z0-9/._-]*")
"""Paths without what OpenFile= would take for something else; it knows no specifiers (257)."""

_OF_THE_USER: Final = re.compile(r"(WatchdogSec|WatchdogSignal|OpenFile)=")

_EARLY: Final = 20
"""The part of an interval that a question comes earlier, for an app that is busy."""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """What the unit says, in milliseconds, and what the preload is told."""

    limit: int
    settings: Mapping[str, object]


def to_manager(app: App, systemd: int, manager_directory: str) -> str | None:
    """``OpenFile=`` for an app that tells the manager something; None where there is no need of it.

    ``manager_directory`` is the manager's: ``/run/user/1000``, or ``/run``.
    """
    speaks = app.wait_ready or watchdog(app, systemd, manager_directory)
    if not (speaks and has_preload(app) and _is_possible(systemd, manager_directory)):
        return None
    # Graceful: without it a program is started to tell the manager.
    return f"{manager_directory}/systemd/notify:{_NAME}:graceful"


def _is_possible(systemd: int, manager_directory: str) -> bool:
    return systemd >= OPEN_FILE_SINCE and bool(_PLAIN.fullmatch(manager_directory))


def watchdog(app: App, systemd: int, manager_directory: str) -> Watchdog | None:
    """The watchdog of an app with ``health``; None where ``NAME:health.timer`` asks it.

    It is fed when the app has answered, so that the last of ``failures`` questions, its timeout
    included, has ended when interval x failures have passed since the last good answer.

    Not where the user's own directives are about it, nor where only the main process would be
    killed. Nothing may depend on how many instances there are: scaling does not restart those that
    are there.
    """
    health = app.health
    if not health or "command" in health or not _can_feed(app, systemd, manager_directory):
        return None
    interval, timeout, failures, grace = (
        _number(health[name]) for name in ("interval", "timeout", "failures", "grace")
    )
    span = interval * failures
    waits = "file" if app.ready else "message" if app.wait_ready else ""
    # Each of the two has its time.
    patience = max(grace, app.listen_timeout * (bool(app.ready) + app.wait_ready))
    settings: dict[str, object] = {
        "every": max(pause(health) - interval // _EARLY, LEAST_PAUSE),
        "timeout": timeout,
        "span": span,
        "grace": grace,
        "patience": patience,
    }
    if waits:
        settings["waits"] = waits
    if app.wait_ready:
        settings["wait_ready"] = True
    if "address" in health:
        address = str(health["address"])
        settings["address"] = address
        if address in app.listen:
            settings["socket"] = app.listen.index(address)
        settings |= {name: health[name] for name in ("path", "host") if name in health}
        settings |= {name: True for name in ("tls", "numbered") if health.get(name)}
    return Watchdog(span + patience, settings)


def _can_feed(app: App, systemd: int, manager_directory: str) -> bool:
    own = any(map(_OF_THE_USER.match, app.unit.get("Service", ())))
    possible = is_node(app) and _is_possible(systemd, manager_directory)
    return possible and app.treekill and not own


def notes(app: App, systemd: int, manager_directory: str) -> tuple[Note, ...]:
    """What is otherwise where the watchdog does it."""
    if not watchdog(app, systemd, manager_directory):
        return ()
    text = (
        "systemd's watchdog restarts an instance that stopped answering, and the app itself feeds "
        f"it; before systemd {OPEN_FILE_SINCE}, {app.name}:health.timer asks from outside"
    )
    return (Note("health", Fidelity.BETTER, text),)


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
