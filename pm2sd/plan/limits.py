"""Which limits of an app the kernel enforces, given the controllers that systemd may use."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pm2sd.ecosystem.app import App

CONTROLLERS: Final = {
    "max_memory_restart": "memory",
    "cpu_quota": "cpu",
    "tasks_max": "pids",
    "io_weight": "io",
}
"""Option -> the controller of control groups that enforces it."""


def unenforced(app: App, controllers: Collection[str]) -> tuple[str, ...]:
    """The options of an app that limit something, for which there is no controller."""
    return tuple(
        option
        for option, controller in CONTROLLERS.items()
        if getattr(app, option) is not None and controller not in controllers
    )
