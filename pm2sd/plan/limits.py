"""Which limits of an app the kernel enforces, given the controllers that systemd may use."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pm2sd.ecosystem.app import App

CONTROLLERS: Final = {
    "max_memory_restart": "memory",
    "memory_total": "memory",
    "cpu_quota": "cpu",
    "tasks_max": "pids",
    "io_weight": "io",
}
"""Option -> the controller of control groups that enforces it."""


def unenforced(app: App, controllers: Collection[str]) -> dict[str, str]:
    """The limits of an app for which there is no controller, in words, each with the controller."""
    return {
        _words(app, option): controller
        for option, controller in CONTROLLERS.items()
        if getattr(app, option) is not None and controller not in controllers
    }


def _words(app: App, option: str) -> str:
    # What is looked at every 30 s is known without a controller, too.
    graceful = option == "max_memory_restart" and app.memory_policy == "graceful"
    return f"the hard limit above {option}" if graceful else option
