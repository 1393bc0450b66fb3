"""Extra instances: one more of an app than it has, for the time of a reload.

Each has a drop-in of this boot, which also is the note that there is one: whoever takes the lock
next takes away what an interrupted reload has left.
"""

from __future__ import annotations

from typing import Final

from pm2sd.systemd import paths
from pm2sd.systemd.bus import Bus, Job
from pm2sd.systemd.unit_files import UnitDirectory
from pm2sd.units import names
from pm2sd.units.mark import MARK_PREFIX

_STOP_SECONDS: Final = 300.0

# One that is started again and again until its start limit would have systemd close the socket.
_ONE_TRY: Final = f"{MARK_PREFIX}, for the time of a reload\n[Service]\nRestart=no\n"


def announce(unit: str) -> None:
    """Note that ``unit``, which is not loaded yet, is to be an extra instance.

    Raises Pm2sdError.
    """
    _directory().write({names.drop_in(unit): _ONE_TRY})


def remove(bus: Bus) -> None:
    """Stop extra instances and forget them.

    One that is the last of its app to serve stays until another does. Raises Pm2sdError.
    """
    directory = _directory()
    for path in directory.read_managed():
        unit = path.removesuffix(names.drop_in(""))
        if _is_needed(bus, unit):
            continue
        bus.run_jobs([Job("stop", unit)], _STOP_SECONDS)
        bus.reset_failed([unit])
        directory.remove([path])


def _is_needed(bus: Bus, unit: str) -> bool:
    app, _ = names.parse_instance(unit) or ("", 0)
    pattern = names.service_template(app).replace("@.", "@*.")
    return {row.name for row in bus.list_units([pattern]) if row.active == "active"} == {unit}


def _directory() -> UnitDirectory:
    """Where units of this boot are; that of a unit which is not loaded needs no daemon-reload."""
    return UnitDirectory(paths.runtime_unit_directory())
