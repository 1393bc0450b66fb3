"""Extra instances: one more of an app than it has, for the time of a reload.

Each has a drop-in of this boot, which also is the note that there is one: whoever takes the lock
next takes away what an interrupted reload has left. Where every instance has sockets of its own,
a whole unit file for this one goes before the app's template (systemd.unit(5)).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pm2sd.systemd import paths
from pm2sd.systemd.bus import Bus, Job
from pm2sd.systemd.unit_files import UnitDirectory
from pm2sd.units import names
from pm2sd.units.mark import MARK_PREFIX

if TYPE_CHECKING:
    from pm2sd.control.session import Session

_STOP_SECONDS: Final = 300.0

# One that is started again and again until its start limit would have systemd close the socket.
_ONE_TRY: Final = f"{MARK_PREFIX}, for the time of a reload\n[Service]\nRestart=no\n"

_OWN_SOCKET: Final = re.compile(r"(?m)^((?:Requires|Sockets)=.*)@%i\.socket$")


def announce(session: Session, unit: str, beside: str | None = None) -> None:
    """Note that ``unit``, which is not loaded yet, is to be an extra instance.

    With ``beside`` it has the sockets of that instance in place of sockets of its own, in whose
    queues connections would be lost when it goes. Raises Pm2sdError.
    """
    files = {names.drop_in(unit): _ONE_TRY}
    if beside:
        template = session.directory.read(names.template_of(unit)) or ""
        files[unit] = _OWN_SOCKET.sub(rf"\1@{_number(beside)}.socket", template)
    _directory().write(files)


def remove(bus: Bus) -> None:
    """Stop extra instances and forget them.

    One that is the last of its app to serve stays until another does. Raises Pm2sdError.
    """
    directory = _directory()
    paths = list(directory.read_managed())
    for unit in dict.fromkeys(path.partition(".d/")[0] for path in paths):
        if _is_needed(bus, unit):
            continue
        bus.run_jobs([Job("stop", unit)], _STOP_SECONDS)
        bus.reset_failed([unit])
        directory.remove(path for path in paths if path.partition(".d/")[0] == unit)


def _number(unit: str) -> int:
    _, number = names.parse_instance(unit) or ("", 0)
    return number


def _is_needed(bus: Bus, unit: str) -> bool:
    app, _ = names.parse_instance(unit) or ("", 0)
    pattern = names.service_template(app).replace("@.", "@*.")
    return {row.name for row in bus.list_units([pattern]) if row.active == "active"} == {unit}


def _directory() -> UnitDirectory:
    """Where units of this boot are; that of a unit which is not loaded needs no daemon-reload."""
    return UnitDirectory(paths.runtime_unit_directory())
