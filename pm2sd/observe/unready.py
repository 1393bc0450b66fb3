"""What to do about an app that does not say in time that it is ready."""

from __future__ import annotations

from pm2sd.observe.known import Known
from pm2sd.systemd.results import UNREADY
from pm2sd.units import names


def advice(unit: str, why: str) -> str | None:
    """A hint for an instance that failed for this reason; None where it is another one.

    With PM2 an app with ``wait_ready`` that never says a word counts as ready in the end.
    """
    parsed = names.parse_instance(unit)
    if parsed is None or UNREADY not in why:
        return None
    stored = Known.read().stored.apps.get(parsed[0])
    if stored is None or not stored.app.wait_ready or stored.app.ready:
        return None
    return "write wait_ready: false if the app never says so; a longer listen_timeout if it is slow"
