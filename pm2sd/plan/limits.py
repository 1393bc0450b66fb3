"""Which limits of an app the kernel enforces, given the controllers that systemd may use."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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


def remedy(lacking: Iterable[str], kernel: frozenset[str]) -> str:
    """What gives a user's manager controllers; ``kernel`` are those of the unified hierarchy."""
    if not kernel.issuperset(lacking):
        return (
            "the kernel has to be booted with systemd.unified_cgroup_hierarchy=1, "
            "and on a Raspberry Pi with cgroup_enable=memory; in a container, ask its host"
        )
    wanted = " ".join(sorted({"cpu", "memory", "pids", *lacking}))
    return (
        "sudo mkdir -p /etc/systemd/system/user@.service.d && "
        f"printf '[Service]\\nDelegate={wanted}\\n' | "
        "sudo tee /etc/systemd/system/user@.service.d/pm2sd-delegate.conf && sudo systemctl reboot"
    )
