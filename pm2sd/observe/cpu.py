"""How busy the apps are: CPU time at two moments.

Loading the command line's parser takes longer than anything else ``status`` does, and is just the
time that two readings need between them. So the first reading is taken before it, blindly, of
every control group where pm2sd's units usually are; only what it has missed must wait.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Final

from pm2sd.systemd import cgroup

SECONDS: Final = 0.03
"""The least time between the readings: the kernel books a running process's time every 4 ms."""

_early: dict[str, tuple[float, int]] = {}


def read_early() -> None:
    """Take the first reading now, as far as the groups can be found without the manager."""
    uid = os.getuid()
    # Where systemd puts the user manager and names.slice_name its apps: systemd.special(7).
    slices = f"/user.slice/user-{uid}.slice/user@{uid}.service/app.slice/app-pm2sd.slice"
    _early.update(_read(_services(slices)))


def is_known(path: str) -> bool:
    """Whether the early reading found this control group."""
    return path in _early


def percentages(paths: Iterable[str]) -> dict[str, float]:
    """The use of each control group in percent of one CPU, to a tenth.

    Takes at least ``SECONDS`` since the first reading of the last group; a group that is gone has
    no percentage.
    """
    wanted = tuple(paths)
    first = {path: _early[path] for path in wanted if path in _early}
    first |= _read(path for path in wanted if path not in first)
    if not first:
        return {}
    wait = max(at for at, _ in first.values()) + SECONDS - time.monotonic()
    if wait > 0:
        time.sleep(wait)
    return {
        path: round(max(0, used - first[path][1]) / (at - first[path][0]) / 1e4, 1)
        for path, (at, used) in _read(first).items()
    }


def _read(paths: Iterable[str]) -> dict[str, tuple[float, int]]:
    """When each group was read (seconds) and what it had used until then (microseconds)."""
    return {
        path: (time.monotonic(), used)
        for path in paths
        if (used := cgroup.cpu_time(path)) is not None
    }


def _services(path: str) -> Iterator[str]:
    """The control groups of services in a slice and the slices within it."""
    try:
        names = os.listdir(cgroup.root() + path)  # noqa: PTH208 (hot)
    except OSError:
        return
    for name in names:
        if name.endswith(".service"):
            yield f"{path}/{name}"
        elif name.endswith(".slice"):
            yield from _services(f"{path}/{name}")
