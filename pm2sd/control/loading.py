"""How long instances that may be in each other's way take to load their programs."""

from __future__ import annotations

from collections.abc import Sequence

from pm2sd.control.session import Session
from pm2sd.systemd import cgroup
from pm2sd.translate.node import is_node
from pm2sd.units import names

_COMPUTES = 2000
"""Microseconds of CPU time between two looks: an app that waits for work uses less."""


class Loading:
    """Watches those of some just-started instances that may all want one port.

    All but the first fail at it, and not before their program is loaded. On a slow machine that
    takes longer than any other app is waited for.
    """

    def __init__(self, session: Session, units: Sequence[str]) -> None:
        """Choose them: instances of Node apps that share no socket."""
        apps = {parsed[0] for unit in units if (parsed := names.parse_instance(unit))}
        stored = session.stored().apps
        rivals = {
            unit
            for name in apps & stored.keys()
            if len(stored[name].ids) > 1 and stored[name].exec_mode == "cluster"
            for unit in stored[name].instances
            if not stored[name].app.listen and is_node(stored[name].app)
        }
        self._groups = [
            str(session.bus.get(unit, "Service", "ControlGroup"))
            for unit in units
            if unit in rivals
        ]
        self._used: dict[str, int] = {}

    def goes_on(self) -> bool:
        """Whether one of them has computed since the last call, or would have, had it been let."""
        used = {group: cgroup.cpu_time(group) or 0 for group in self._groups if group}
        before, self._used = self._used, used
        return any(
            now - before.get(group, 0) > _COMPUTES or cgroup.has_work(group)
            for group, now in used.items()
        )
