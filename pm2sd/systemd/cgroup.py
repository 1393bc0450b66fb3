"""What a unit uses, from the control groups' files: cgroups(7), Linux's cgroup-v2.rst.

Three small reads a unit, no D-Bus: 100 units take some milliseconds. On hybrid machines, whose
memory controller is not in the unified hierarchy, memory is the sum of the processes' resident
sets.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pm2sd.systemd.bus import UNSET

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")

_CONTROLLERS: Final = frozenset(
    {"cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids"}
    | {"hugetlb", "misc", "rdma", "freezer", "net_cls", "net_prio", "perf_event"}
)
_RESERVED: Final = frozenset({"notify_on_release", "release_agent", "tasks"})


@dataclass(frozen=True, slots=True)
class Usage:
    """What a control group uses now: bytes, CPU time in microseconds, its processes' pids.

    ``memory`` and ``cpu_usec`` are None for a group that does not exist.
    """

    memory: int | None
    cpu_usec: int | None
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits the kernel enforces on a control group; None is no limit, or no controller.

    Bytes, processes, and CPU time in microseconds per second.
    """

    memory_max: int | None
    memory_high: int | None
    memory_swap_max: int | None
    pids_max: int | None
    cpu_usec_per_sec: int | None


@cache
def root() -> str:
    """Where the unified hierarchy is mounted."""
    for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if os.access(f"{path}/cgroup.procs", os.F_OK):
            return path
    return "/sys/fs/cgroup"


def unit_path(manager: str, slices: str, unit: str) -> str:
    """The control group of a unit: ``manager`` is the manager's ``ControlGroup``.

    ``slices`` is the unit's slice, ``app-web.slice``, which lies in ``app.slice`` by its name
    (systemd.slice(5)). It is where the unit is when it runs, whether or not it does.
    """
    parts = slices.removesuffix(".slice").split("-")
    path = [manager.rstrip("/")]
    path += ["-".join(parts[: count + 1]) + ".slice" for count in range(len(parts))]
    return "/".join([*path, _escaped(unit)])


def usage(path: str) -> Usage:
    """What the control group of a unit's ``ControlGroup`` property uses, nested groups included."""
    pids = processes(path)
    if pids is None:
        return Usage(None, None, ())
    return Usage(memory(path, pids), cpu_time(path), pids)


def memory(path: str, pids: Iterable[int]) -> int:
    """The memory a group uses in bytes; where the kernel does not count it, that of ``pids``."""
    current = _number(_read(f"{root()}{path}/memory.current"))
    return resident(pids) if current is None else current


def processes(path: str) -> tuple[int, ...] | None:
    """The pids in a group and in those within it; None without the group."""
    return _pids(root() + path)


def cpu_time(path: str) -> int | None:
    """The CPU time a group has used in microseconds, nested groups included; None without it."""
    return _value(_read(f"{root()}{path}/cpu.stat"), b"usage_usec")


def has_work(path: str) -> bool:
    """Whether a process of a group runs, waits for a processor to run on, or for a disk."""
    return any(_stat(pid)[:1] in ([b"R"], [b"D"]) for pid in processes(path) or ())


def age(pid: int) -> float | None:
    """For how many seconds a process runs; None if it does not."""
    fields = _stat(pid)
    if len(fields) < 20:
        return None
    started = int(fields[19]) / _TICKS
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _stat(pid: int) -> list[bytes]:
    """The fields of a process from the third on, its state; none of one that is gone (proc(5)).

    The second is a name in parentheses, which may hold anything; the 22nd is when it started, in
    clock ticks since boot.
    """
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def resident(pids: Iterable[int]) -> int:
    """The sum of the processes' resident sets in bytes; pages they share count for each."""
    total = 0
    for pid in pids:
        fields = _read(f"/proc/{pid}/statm").split(b" ", 2)
        total += int(fields[1]) if len(fields) > 1 else 0
    return total * _PAGE


def oom_kills(path: str) -> int | None:
    """How many processes of the group the OOM killer has killed; None without the controller."""
    return _value(_read(f"{root()}{path}/memory.events"), b"oom_kill")


def controllers(path: str) -> frozenset[str]:
    """The controllers by which the groups in this one can be limited: ``memory``, ``cpu`` ...

    ``path`` is the ControlGroup of a manager, whose units' limits these are; ``/`` tells which of
    them the kernel has in the unified hierarchy at all. A limit without its controller is accepted
    by systemd and enforced by nobody (systemd.resource-control(5), Delegate=).
    """
    return frozenset(_read(f"{root()}{path}/cgroup.controllers").decode().split())


def limits(path: str) -> Limits:
    """The limits in force on one control group, those of the groups around it left aside."""
    directory = root() + path
    quota, _, period = _read(f"{directory}/cpu.max").strip().partition(b" ")
    return Limits(
        memory_max=_number(_read(f"{directory}/memory.max")),
        memory_high=_number(_read(f"{directory}/memory.high")),
        memory_swap_max=_number(_read(f"{directory}/memory.swap.max")),
        pids_max=_number(_read(f"{directory}/pids.max")),
        cpu_usec_per_sec=int(quota) * 1_000_000 // int(period) if quota.isdigit() else None,
    )


def write_limits(path: str, properties: Mapping[str, Any]) -> None:
    """Give a group the limits that a unit's properties have; ``UNSET`` is none.

    systemd 252 does so itself when it has read a changed unit file, 257 does not until the unit's
    next start (measured). What the kernel has no file for cannot be enforced, and is left out.
    """
    directory = root() + path
    for prop, (file, text) in _FILES.items():
        if prop in properties:
            _write(f"{directory}/{file}", text(int(properties[prop])))


def _or(unlimited: str, text: str = "{}") -> Callable[[int], str]:
    return lambda value: unlimited if value == UNSET else text.format(value)


def _quota(usec_per_sec: int) -> str:
    # Of the kernel's period, and systemd's, of 100 ms.
    return "max" if usec_per_sec == UNSET else f"{usec_per_sec // 10} 100000"


# Property of a unit -> the group's file, and what is written to it.
_FILES: Final[Mapping[str, tuple[str, Callable[[int], str]]]] = {
    "MemoryMax": ("memory.max", _or("max")),
    "MemoryHigh": ("memory.high", _or("max")),
    "MemorySwapMax": ("memory.swap.max", _or("max")),
    "TasksMax": ("pids.max", _or("max")),
    "CPUQuotaPerSecUSec": ("cpu.max", _quota),
    "CPUWeight": ("cpu.weight", _or("100")),
    "IOWeight": ("io.weight", _or("default 100", "default {}")),
}


def _write(path: str, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(descriptor, text.encode())
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _pids(directory: str) -> tuple[int, ...] | None:
    """The processes in a group and in those within; None where it does not exist."""
    try:
        nested = os.stat(directory).st_nlink > 2  # noqa: PTH116 (hot)
    except OSError:
        return None
    pids = [int(pid) for pid in _read(f"{directory}/cgroup.procs").split()]
    if nested:
        with os.scandir(directory) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        for path in below:
            pids += _pids(path) or ()
    return tuple(pids)


def _read(path: str) -> bytes:
    """A small file of the kernel's; empty where there is none or it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        data = chunk = os.read(descriptor, 8192)
        while len(chunk) > 4000:  # such a file is handed out in pages; less was the last
            chunk = os.read(descriptor, 8192)
            data += chunk
    except OSError:
        return b""
    else:
        return data
    finally:
        os.close(descriptor)


def _number(text: bytes) -> int | None:
    text = text.strip()
    return int(text) if text.isdigit() else None


def _value(text: bytes, key: bytes) -> int | None:
    """The number on a flat-keyed file's line."""
    _, found, rest = (b"\n" + text).partition(b"\n" + key + b" ")
    return _number(rest.partition(b"\n")[0]) if found else None


def _escaped(unit: str) -> str:
    """A unit's name as that of a group: what the kernel could mistake gets an underscore in front.

    ``cg_needs_escape`` in systemd's src/basic/cgroup-util.c.
    """
    first, dot, _ = unit.partition(".")
    mistakable = (
        unit.startswith(("_", ".", "cgroup."))
        or unit in _RESERVED
        or (dot and (first in _CONTROLLERS or first.startswith("bpf-")))
    )
    return f"_{unit}" if mistakable else unit
