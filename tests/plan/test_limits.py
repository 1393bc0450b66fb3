"""Limits and the controllers that they need."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.plan.limits import remedy, unenforced


def app(**options: Any) -> App:
    return App(name="web", script="sleep", command=("/bin/sleep", "9"), cwd="/srv", **options)


@pytest.mark.parametrize(
    ("options", "controllers", "expected"),
    [
        ({}, (), ()),
        ({"max_memory_restart": 2**28}, ("memory", "pids"), ()),
        ({"max_memory_restart": 2**28}, ("cpu", "pids"), ("max_memory_restart",)),
        (
            {"max_memory_restart": 2**28, "memory_policy": "graceful", "memory_total": 2**30},
            ("cpu",),
            ("the hard limit above max_memory_restart", "memory_total"),
        ),
        ({"tasks_max": 9, "cpu_quota": 50.0}, ("cpu", "memory"), ("tasks_max",)),
        ({"io_weight": 50}, ("cpu", "memory", "pids"), ("io_weight",)),
    ],
)
def test_a_limit_without_its_controller_is_not_enforced(
    options: dict[str, Any], controllers: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert tuple(unenforced(app(**options), controllers)) == expected


def test_the_remedy_is_delegation_where_the_kernel_has_the_controller() -> None:
    assert "Delegate=cpu io memory pids" in remedy(["io"], frozenset({"cpu", "io", "memory"}))
    assert "unified_cgroup_hierarchy" in remedy(["memory"], frozenset({"cpu"}))
