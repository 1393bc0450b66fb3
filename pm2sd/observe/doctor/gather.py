"""The facts about the machine, the manager and the journal. Nothing here judges."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from pm2sd.errors import Pm2sdError
from pm2sd.observe.doctor.apps import gather_apps
from pm2sd.observe.doctor.facts import (
    Events,
    Facts,
    Leftover,
    Machine,
    Manager,
    UnitState,
)
from pm2sd.observe.known import Known
from pm2sd.plan.select import Instance
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd import cgroup, clock, journal, ntp, scope
from pm2sd.systemd.bus import Bus, version_number
from pm2sd.systemd.diagnosis import booted
from pm2sd.systemd.exits import Message
from pm2sd.systemd.file_systems import file_systems
from pm2sd.systemd.inotify_use import inotify_use
from pm2sd.systemd.journal_storage import storage
from pm2sd.systemd.paths import user_runtime_directory_text
from pm2sd.systemd.pm2_daemons import pm2_daemons
from pm2sd.systemd.ports import listeners
from pm2sd.systemd.unit_path import unread
from pm2sd.systemd.user import lingers, user_name
from pm2sd.translate.logs import log_files
from pm2sd.units import names
from pm2sd.units.mark import read_mark

_HOUR: Final = 3600
_MOST_EVENTS: Final = 5000
"""A crash loop of a day would make hundreds of thousands."""

_DOWN: Final = frozenset({"inactive", "failed"})


def gather(
    known: Known,
    chosen: Sequence[Instance],
    *,
    whole: bool,
    environ: Mapping[str, str] = os.environ,
) -> Facts:
    """The facts about the apps of ``chosen`` and the machine they run on.

    ``whole``: no app was named, so that what belongs to none is looked for as well. Where no
    manager answers, or the journal cannot be read, that is a fact.
    """
    apps = {name: known.stored.apps[name] for name in dict.fromkeys(one.app for one in chosen)}
    with ExitStack() as stack:
        bus: Bus | None = None
        absence: Pm2sdError | None = None
        try:
            bus = stack.enter_context(Bus.open(environ))
            manager = _manager(bus, known)
        except Pm2sdError as error:
            bus, manager, absence = None, None, error
        sockets, events = listeners(), _events(chosen)
        restless = {unit for unit in events.restarts if events.flaps(unit)}
        return Facts(
            machine=_machine(known, apps, environ),
            manager=manager,
            absence=absence,
            journal=storage(),
            events=events,
            apps=gather_apps(bus, known, apps, sockets, restless),
            leftovers=_leftovers(bus, known) if whole else (),
            strays=_strays(bus, known) if bus and whole else (),
            dangling=_dangling(known) if whole else (),
            listeners=sockets,
            whole=whole,
        )


def _manager(bus: Bus, known: Known) -> Manager:
    version = str(bus.manager("Version"))
    return Manager(
        version=version,
        number=version_number(version),
        state=str(bus.manager("SystemState")),
        controllers=cgroup.controllers(bus.manager("ControlGroup")),
        kernel_controllers=cgroup.controllers("/"),
        moved=clock.moved(
            int(bus.manager("UserspaceTimestamp")), int(bus.manager("UserspaceTimestampMonotonic"))
        ),
        unread=unread(bus, known.directory.path),
    )


def _machine(known: Known, apps: Mapping[str, StoredApp], environ: Mapping[str, str]) -> Machine:
    user, uid = user_name(), os.getuid()
    runtime = user_runtime_directory_text(environ)
    directory = str(known.directory.path)
    logs = {os.path.dirname(path) for one in apps.values() for _, path in log_files(one.app)}  # noqa: PTH120
    kept = storage().directory
    at_boot = Path(f"/etc/systemd/system/multi-user.target.wants/pm2-{user}.service")
    return Machine(
        user=user,
        uid=uid,
        booted=booted(),
        system=scope.system,
        runtime_variable=environ.get("XDG_RUNTIME_DIR") or None,
        runtime_directory=runtime,
        bus_socket=os.path.exists(f"{runtime}/bus"),  # noqa: PTH110
        lingers=lingers(user),
        synchronised=ntp.synchronised(),
        file_systems=file_systems([directory, *sorted(logs), *([kept] if kept else [])]),
        inotify=inotify_use(uid) if any(one.app.watched for one in apps.values()) else None,
        pm2=pm2_daemons(),
        pm2_at_boot=at_boot.name if os.path.lexists(at_boot) else None,
        unit_directory=directory,
        unit_directory_problem=known.directory.problem(),
    )


def _events(chosen: Sequence[Instance]) -> Events:
    """What the manager logged of the last day, in one question."""
    restarts: Counter[str] = Counter()
    ooms: Counter[str] = Counter()
    recent: Counter[str] = Counter()
    clocks = clock.Clocks.read()
    an_hour_ago = clocks.now.realtime - _HOUR * 1e6
    try:
        query = journal.Query(
            units=tuple(one.unit for one in chosen),
            message_ids=(Message.RESTART_SCHEDULED, Message.OUT_OF_MEMORY),
            since="-24h",
            lines=_MOST_EVENTS,
        )
        for entry in journal.entries(query) if chosen else ():
            if entry.fields.get("MESSAGE_ID") == Message.OUT_OF_MEMORY:
                ooms[entry.unit] += 1
            else:
                restarts[entry.unit] += 1
                recent[entry.unit] += clocks.reckoned(entry.when) >= an_hour_ago
        suppressed = journal.suppressed("-24h")
    except Pm2sdError as error:
        return Events(problem=error.message)
    return Events(restarts=restarts, recent=recent, ooms=ooms, suppressed=suppressed)


def _leftovers(bus: Bus | None, known: Known) -> tuple[Leftover, ...]:
    found = []
    for app, files in known.stored.leftovers.items():
        marks = {path: read_mark(text) for path, text in files.items()}
        loaded = bus.list_units(_unit_patterns(app)) if bus else []
        found.append(
            Leftover(
                app,
                tuple(sorted(files)),
                tuple(sorted(path for path, mark in marks.items() if not (mark and mark.intact))),
                tuple(
                    row.name
                    for row in loaded
                    if row.active not in _DOWN and not row.name.endswith(".target")
                ),
            )
        )
    return tuple(found)


def _unit_patterns(app: str) -> list[str]:
    """Shell patterns of the services, targets and timers of an app; its slice has none."""
    return [
        names.target(app),
        names.service_template(app).replace("@.", "@*."),
        f"{names.unit_name(app)}:*",
        names.socket(app),
    ]


def _strays(bus: Bus, known: Known) -> tuple[UnitState, ...]:
    """Units that run or failed, whose file is gone, and which are named as instances are.

    The manager has forgotten all else about them but the control group, if they run.
    """
    found = []
    for row in bus.list_units(["*@*.service"]):
        instance = names.parse_instance(row.name)
        if row.load != "not-found" or instance is None or row.active == "inactive":
            continue
        if instance[0] in known.stored.apps or instance[0] in known.stored.leftovers:
            continue
        group = str(bus.get(row.name, "Service", "ControlGroup"))
        if row.active == "failed" or names.slice_name(instance[0]) in group.split("/"):
            found.append(UnitState(name=row.name, load=row.load, active=row.active, sub=row.sub))
    return tuple(found)


def _dangling(known: Known) -> tuple[str, ...]:
    """Links in ``*.wants`` to targets that were in this directory and are gone."""
    root = known.directory.path
    try:
        links = [link for link in sorted(root.glob("*.wants/*.target")) if link.is_symlink()]
        return tuple(
            str(link.relative_to(root))
            for link in links
            if not link.exists() and Path(os.readlink(link)).parent in (root, Path(".."))  # noqa: PTH115
        )
    except OSError:
        return ()
