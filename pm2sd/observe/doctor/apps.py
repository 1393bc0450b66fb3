"""The facts about single apps. Nothing here judges."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from posixpath import basename, isabs
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.observe.doctor.facts import AppFacts, DropIn, LogFile, Port, UnitState
from pm2sd.observe.doctor.last_errors import last_errors
from pm2sd.observe.known import Known
from pm2sd.observe.needed import missing
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd import scope
from pm2sd.systemd.bus import Bus
from pm2sd.systemd.ports import Listener, holder
from pm2sd.systemd.results import ending
from pm2sd.systemd.rotation import rotated_by_logrotate
from pm2sd.systemd.security import Scoring
from pm2sd.translate.logs import log_files
from pm2sd.translate.on_failure import GUARD
from pm2sd.units import names
from pm2sd.units.mark import sections

_MOST_READ: Final = 10
"""Of so many apps that failed or flap the last lines are read, 20 ms each."""

_MANAGER: Final = "init.scope"
"""Where the manager itself is, which holds the sockets of apps."""


def gather_apps(
    bus: Bus | None,
    known: Known,
    apps: Mapping[str, StoredApp],
    listeners: Sequence[Listener],
    restless: Collection[str],
) -> tuple[AppFacts, ...]:
    """The facts about some apps; without ``bus`` nothing that the manager would know.

    ``restless`` are units that flap.
    """
    scoring = Scoring([one.instances[0] for one in apps.values() if one.ids] if bus else [])
    units = {name: _units(bus, known, one) for name, one in apps.items()} if bus else {}
    ill = [
        name
        for name, found in units.items()
        if any(unit.active == "failed" or unit.name in restless for unit in found)
    ]
    last = {name: last_errors(apps, name) for name in ill[:_MOST_READ]}
    ours = bool(known.stored.rotation)
    rotated = rotated_by_logrotate()
    scores = scoring.scores()
    return tuple(
        _facts(
            bus,
            known,
            stored,
            units.get(name, ()),
            last.get(name, ()),
            [LogFile(path, size, ours or rotated(path)) for path, size in _log_files(stored.app)],
            _ports(stored, listeners),
            scores.get(stored.instances[0]) if stored.ids else None,
        )
        for name, stored in apps.items()
    )


def _facts(
    bus: Bus | None,
    known: Known,
    stored: StoredApp,
    units: tuple[UnitState, ...],
    last_lines: tuple[str, ...],
    files: Sequence[LogFile],
    ports: tuple[Port, ...],
    exposure: float | None,
) -> AppFacts:
    app, directory = stored.app, known.directory.path
    source = app.source if isabs(app.source) else ""
    applied = _modified(str(directory / names.target(app.name)))
    written = _modified(source) if source else None
    return AppFacts(
        stored=stored,
        app=app,
        units=units,
        enabled=known.directory.exists(f"{scope.wants_directory()}/{names.target(app.name)}"),
        edited=tuple(sorted(stored.edited())),
        drop_ins=tuple(_drop_ins(bus, known, stored)),
        missing=tuple(missing(stored, directory)),
        stale_helpers=tuple(_stale_helpers(stored)),
        exposed=tuple(_exposed(stored, directory)),
        source_missing=bool(source) and written is None,
        source_changed=written is not None and applied is not None and written > applied,
        log_files=tuple(files),
        ports=ports,
        last_lines=last_lines,
        exposure=exposure,
    )


def _units(bus: Bus, known: Known, stored: StoredApp) -> tuple[UnitState, ...]:
    """The app's units as the manager has them; those not loaded yet are loaded for it."""
    wanted = [names.target(stored.name), *stored.instances, *stored.auxiliary]
    there = known.directory.drop_ins(wanted)
    found = []
    for row in bus.units_by_name(list(dict.fromkeys(wanted))):
        service = row.name.endswith(".service")
        unread = bool(bus.get(row.name, "Unit", "NeedDaemonReload"))
        # systemd does not notice a new directory of drop-ins by itself.
        mine = {path for unit, path in there if unit == row.name}
        if mine and not unread:
            unread = not mine <= set(bus.get(row.name, "Unit", "DropInPaths"))
        failed = service and row.active == "failed"
        found.append(
            UnitState(
                name=row.name,
                load=row.load,
                active=row.active,
                sub=row.sub,
                ending=str(ending(bus, row.name)) if failed else "",
                unread=unread,
            )
        )
    return tuple(found)


def _drop_ins(bus: Bus | None, known: Known, stored: StoredApp) -> Iterable[DropIn]:
    """What others set for the app's units, in this directory or another that the manager reads."""
    ours = {str(known.directory.path / path) for path in stored.files}
    wanted = [names.target(stored.name), *stored.instances]
    paths = [path for _, path in known.directory.drop_ins(wanted)]
    if bus and stored.ids:
        paths += bus.get(stored.instances[0], "Unit", "DropInPaths")
    for path in dict.fromkeys(paths):
        if path in ours:
            continue
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        pairs = ((section, name) for section, of in sections(text).items() for name, _ in of)
        yield DropIn(path, tuple(dict.fromkeys(pairs)))


def _stale_helpers(stored: StoredApp) -> Iterable[tuple[str, str]]:
    """The helper units whose program is gone, with the program."""
    for path, text in stored.files.items():
        if ":" in path and path.endswith(".service"):
            for name, value in sections(text).get("Service", ()):
                if name.startswith("Exec"):
                    yield from ((path, one) for one in _programs(value) if not _is_file(one))


def _programs(command: str) -> Iterable[str]:
    """The program of an Exec line, the command behind a guard, and the Pythons in it."""
    try:
        words = [word.replace("%%", "%") for word in shlex.split(command.lstrip(":@-+!|"))]
    except ValueError:
        return
    for number, word in enumerate(words):
        first = number == 0 or words[number - 1] == GUARD
        if isabs(word) and (first or basename(word).startswith("python")):
            yield word


def _exposed(stored: StoredApp, directory: Path) -> Iterable[str]:
    """Files with the app's variables in them that others may read."""
    for path in (str(directory / relative) for relative in stored.files):
        if _mode(path) & (stat.S_IRWXG | stat.S_IRWXO):
            yield path


def _log_files(app: App) -> Iterable[tuple[str, int]]:
    for path in dict.fromkeys(path for _, path in log_files(app)):
        try:
            yield path, os.stat(path).st_size  # noqa: PTH116 (text in, text out)
        except OSError:
            continue


def _ports(stored: StoredApp, listeners: Sequence[Listener]) -> tuple[Port, ...]:
    found = []
    for number in _numbers(stored):
        here = [one for one in listeners if one.port == number]
        holders = [one for pid in {one.pid for one in here if one.pid} if (one := holder(pid))]
        mine = [one for one in holders if _is_of(one.unit, stored)]
        found.append(
            Port(
                number,
                bool(mine),
                tuple(one for one in holders if one not in mine),
                any(one.pid is None for one in here),
            )
        )
    return tuple(found)


def _is_of(unit: str, stored: StoredApp) -> bool:
    instance = names.parse_instance(unit)
    held = unit == _MANAGER and bool(stored.app.listen)
    return held or (instance is not None and instance[0] == stored.name)


def _numbers(stored: StoredApp) -> list[int]:
    """The ports that the app's options say it listens on."""
    app = stored.app
    found = [address.rpartition(":")[2] for address in app.listen if not address.startswith("/")]
    port = str(app.port or app.env.get("PORT", ""))
    if port.isascii() and port.isdecimal():
        count = len(stored.ids) if app.increment_var == "PORT" else 1
        found += [str(int(port) + number) for number in range(count)]
    numbers = (int(text) for text in dict.fromkeys(found) if text.isdecimal())
    return [number for number in numbers if 0 < number < 65536]


def _modified(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116
    except OSError:
        return None


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return 0


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113
