"""The limits that an instance runs under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pm2sd.ecosystem.app import App
from pm2sd.systemd import cgroup
from pm2sd.systemd.bus import UNSET, Bus
from pm2sd.units import names

# Directive -> the property that holds its value in force, and the unit it is shown in.
_LIMITS: Final = {
    "MemoryMax": ("MemoryMax", "bytes"),
    "MemoryHigh": ("MemoryHigh", "bytes"),
    "MemorySwapMax": ("MemorySwapMax", "bytes"),
    "TasksMax": ("TasksMax", "count"),
    "CPUQuota": ("CPUQuotaPerSecUSec", "cpu"),
    "IOWeight": ("IOWeight", "count"),
    "LimitNOFILE": ("LimitNOFILESoft", "count"),
    "StartLimitBurst": ("StartLimitBurst", "count"),
    "StartLimitIntervalSec": ("StartLimitIntervalUSec", "usec"),
    "RestartSec": ("RestartUSec", "usec"),
    "TimeoutStartSec": ("TimeoutStartUSec", "usec"),
    "TimeoutStopSec": ("TimeoutStopUSec", "usec"),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A directive in force: bytes, a count, microseconds, or (``cpu``) microseconds a second.

    ``value`` is None where there is no limit. ``enforced`` is False where the kernel does not
    know of it, as without the memory controller.
    """

    name: str
    value: int | None
    measure: str
    enforced: bool = True


def limits_of_instance(properties: Mapping[str, Any]) -> list[Limit]:
    """Those of its unit, by the properties of it."""
    group = properties["ControlGroup"]
    kernel = cgroup.limits(group) if group else None
    found = []
    for directive, (prop, measure) in _LIMITS.items():
        value = int(properties[prop])
        limit = None if value == UNSET else value
        enforced = True
        if directive == "MemoryMax" and limit is not None and kernel is not None:
            enforced = kernel.memory_max is not None
        found.append(Limit(directive, limit, measure, enforced))
    return found


def limits_of_memory(bus: Bus, app: App, properties: Mapping[str, Any]) -> list[Limit]:
    """Those of memory that are not the instance's own in systemd."""
    found = []
    if app.memory_policy == "graceful":
        found.append(Limit("graceful above", app.max_memory_restart, "bytes"))
    if app.memory_total is not None:
        value = int(bus.get(names.slice_name(app.name), "Slice", "MemoryMax"))
        around = properties["ControlGroup"].rpartition("/")[0]
        enforced = not around or cgroup.limits(around).memory_max is not None
        limit = None if value == UNSET else value
        found.append(Limit("memory_total", limit, "bytes", enforced or limit is None))
    return found
