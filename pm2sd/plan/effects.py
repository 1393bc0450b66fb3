"""What a changed unit file means for the instances that run."""

from __future__ import annotations

from enum import IntEnum

from pm2sd.units.mark import sections


class Effect(IntEnum):
    """What makes a change take effect, from the least to the most disturbing."""

    NOTHING = 0
    RELOAD = 1
    RESTART = 2


# Directives that the manager applies to running processes after a daemon-reload: it re-reads its
# own settings; cgroup attributes (systemd.resource-control(5)) are written anew by systemd 252, and
# by control/limits.py where it does not. Every directive that is not here is part of how the
# process is spawned; ExecStartPost= comes after that.
LIVE = frozenset(
    {
        "After",
        "CPUQuota",
        "CPUWeight",
        "Description",
        "Documentation",
        "ExecStartPost",
        "IOWeight",
        "KillMode",
        "KillSignal",
        "MemoryHigh",
        "MemoryMax",
        "MemorySwapMax",
        "OOMPolicy",
        "OnFailure",
        "PartOf",
        "Restart",
        "RestartMaxDelaySec",
        "RestartPreventExitStatus",
        "RestartSec",
        "RestartSteps",
        "StartLimitBurst",
        "StartLimitIntervalSec",
        "SuccessExitStatus",
        "TasksMax",
        "TimeoutStartSec",
        "TimeoutStopSec",
        "Wants",
        "WantedBy",
    }
)
_OURS = "X-Pm2sd"


def effect(path: str, old: str | None, new: str | None) -> Effect:
    """What it takes when the file at ``path`` turns from ``old`` into ``new`` (None: absent)."""
    if old == new:
        return Effect.NOTHING
    if path.endswith(".env"):
        return Effect.RESTART
    changed = changed_directives(old or "", new or "")
    if any(name not in LIVE for name in changed):
        return Effect.RESTART
    return Effect.RELOAD


def changed_directives(old: str, new: str) -> tuple[str, ...]:
    """The names of the directives whose values differ, in alphabetical order."""
    before, after = _values(old), _values(new)
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return tuple(sorted({name for _, name in names}))


def _values(text: str) -> dict[tuple[str, str], list[str]]:
    values: dict[tuple[str, str], list[str]] = {}
    for section, directives in sections(text).items():
        if section != _OURS:
            for name, value in directives:
                values.setdefault((section, name), []).append(value)
    return values
