"""Restart counts that outlive what systemd does with its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pm2sd.control.session import Session
from pm2sd.systemd import restarts
from pm2sd.units import names


def reset_failed(session: Session, units: Sequence[str], restarted: Collection[str] = ()) -> None:
    """Give units a fresh start limit and keep the count of restarts that this sets back.

    A start by hand counts against the start limit; PM2's users do not expect that. ``restarted``
    are those of the units that are about to be restarted, which counts for one that runs.
    """
    services = [unit for unit in units if names.parse_instance(unit)]
    counts = {}
    for row in session.bus.units_by_name(services):
        if row.load == "loaded":
            counted = int(session.bus.get(row.name, "Service", "NRestarts"))
            by_hand = row.name in restarted and row.active == "active"
            counts[row.name] = restarts.automatic(row.active, counted) + by_hand
    session.bus.reset_failed(units)
    restarts.add(counts)


def forget_removed(instances: Mapping[str, int]) -> None:
    """Forget the restarts of instances that are no more; app -> how many it has now."""

    def is_gone(unit: str) -> bool:
        app, number = names.parse_instance(unit) or ("", 0)
        return app in instances and number >= instances[app]

    restarts.forget(is_gone)
