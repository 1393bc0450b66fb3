"""One app's units: the assembly of what the other modules of this room decide."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from pm2sd import __version__
from pm2sd.ecosystem.app import App
from pm2sd.notes import Note
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.translate.checks import health, idle
from pm2sd.translate.memory import graceful, total
from pm2sd.translate.on_failure import alerts, handler, told_less
from pm2sd.translate.service import service
from pm2sd.translate.socket import sockets
from pm2sd.translate.target import instance_drop_ins, secrets_file, target
from pm2sd.translate.timers import cron_restart, schedule
from pm2sd.translate.watch import watcher
from pm2sd.translate.watchdog import notes as watchdog_notes
from pm2sd.translate.watchdog import watchdog
from pm2sd.units.model import Mark, Unit

# Each option that needs units of its own beside the instances has a function here.
_BESIDE: Final[tuple[Callable[[App, Mark], Auxiliary], ...]] = (
    sockets,
    watcher,
    cron_restart,
    schedule,
    total,
    graceful,
)


@dataclass(frozen=True, slots=True)
class Translation:
    """What becomes of an app, and what the user is told about it."""

    app: App
    units: tuple[Unit, ...]
    notes: tuple[Note, ...]


def translate(
    app: App,
    *,
    systemd: int,
    unit_directory: str,
    manager_directory: str,
    ids: Sequence[int],
    notes: Sequence[Note] = (),
) -> Translation:
    """The app's units for systemd version ``systemd`` (252, 257, ...).

    ``unit_directory`` is the absolute path the units will stand in, ``manager_directory`` the
    manager's runtime directory. ``ids`` are the numbers of its
    instances, in their order; ``notes`` what reading and resolving the app had to say, kept in the
    target beside what the translation adds.
    """
    mark = Mark(
        app=app.name,
        namespace=app.namespace,
        source=app.source,
        version=__version__,
        system=app.system,
    )
    the_service, said = service(
        app,
        mark,
        systemd=systemd,
        unit_directory=unit_directory,
        manager_directory=manager_directory,
    )
    feeds = watchdog(app, systemd, manager_directory) is not None
    beside = [
        *(add(app, mark) for add in _BESIDE),
        *([] if feeds else [health(app, mark, unit_directory)]),
        *(add(app, mark, unit_directory) for add in (handler, idle, alerts)),
    ]
    said = (
        *said,
        *(note for one in beside for note in one.notes),
        *told_less(app, systemd),
        *watchdog_notes(app, systemd, manager_directory),
    )
    record = {
        "Record": app.to_json(),
        "Ids": json.dumps(list(ids)),
        "Notes": json.dumps([asdict(note) for note in notes]),
        "TranslationNotes": json.dumps([asdict(note) for note in said]),
    }
    units: tuple[Unit, ...] = (
        the_service,
        target(app, mark, record, [name for one in beside for name in one.wanted]),
        *(unit for one in beside for unit in one.units),
        *instance_drop_ins(app, mark),
        *secrets_file(app, mark),
    )
    return Translation(app, units, (*notes, *said))
