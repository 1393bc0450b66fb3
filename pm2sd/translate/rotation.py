"""Rotating log files: a configuration of logrotate(8), and the timers that run it.

The settings are those of PM2's module pm2-logrotate, under its names: files larger than
``max_size`` are looked for every ``workerInterval``, and at ``rotateInterval`` all that are not
empty are rotated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from shlex import quote
from typing import Final, Self

from pm2sd import __version__
from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.cron import parse_cron
from pm2sd.translate.cron import on_calendar
from pm2sd.translate.logs import log_files
from pm2sd.units import names
from pm2sd.units.model import AuxiliaryService, Mark, Timer, Unit

NAME: Final = "pm2sd-logrotate"
"""What the units' names begin with; no app's units do (see units/names.py)."""

BY_SIZE: Final = f"{NAME}.service"
BY_CLOCK: Final = f"{NAME}-interval.service"
TIMERS: Final = (f"{NAME}.timer", f"{NAME}-interval.timer")

# With names to the second, of two rotations in one second the later fails: the name is there.
_NEXT_SECOND: Final = ("/bin/sh", "-c", 'sleep 1; exec "$@"', NAME)

_SETTINGS: Final = "Settings"
_PLACES: Final = "Places"
_SPECIAL: Final = re.compile(r"[*?\[\]\\{}]")
# The letters of day.js that logrotate's dateformat has too.
_TOKENS: Final = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_DATE: Final = re.compile("|".join(_TOKENS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How files are rotated.

    ``max_size`` is bytes, ``retain`` the number of rotated files that are kept (None: all),
    ``worker_interval`` milliseconds, ``rotate_interval`` a cron pattern, ``date_format`` one of
    day.js, ``tz`` the time zone of both (None: the system's).
    """

    max_size: int = 10 * 2**20
    retain: int | None = 7
    compress: bool = True
    date_format: str = "YYYY-MM-DD_HH-mm-ss"
    worker_interval: int = 30_000
    rotate_interval: str = "0 0 * * *"
    tz: str | None = None

    @classmethod
    def stored(cls, record: Mapping[str, str]) -> Self:
        """The settings that the record of one of the units holds."""
        known = {item.name for item in fields(cls)}
        values = json.loads(record[_SETTINGS])
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths: the program, its configuration, its state, and the lock of two runs."""

    program: str
    configuration: str
    state: str
    lock: str

    @classmethod
    def stored(cls, record: Mapping[str, str]) -> Self:
        """The places that the record of one of the units holds."""
        return cls(*json.loads(record[_PLACES]))


def date_suffix(text: str) -> str | None:
    """A date format of day.js as logrotate's; None where it has something that logrotate lacks."""
    if re.search("[A-Za-z%]", _DATE.sub("", text)):
        return None
    return _DATE.sub(lambda match: _TOKENS[match[0]], text)


def configuration(apps: Iterable[App], settings: Settings) -> str:
    """The configuration for the log files of some apps, for logrotate as their user."""
    general = ["ignoreduplicates", *_general(settings), f"size {settings.max_size}"]
    return _text([*general, *(line for one in _sections(apps) for line in one.lines())])


def for_root(apps: Iterable[App], settings: Settings, user: str, group: str, uid: int) -> str:
    """The configuration for /etc/logrotate.d, where logrotate runs once a day as root.

    What stands outside of braces would hold for the files of others, too.
    """
    rule = [f"su {user} {group}", "daily", f"maxsize {settings.max_size}", *_general(settings)]
    manager = f"XDG_RUNTIME_DIR=/run/user/{uid} "
    sections = _sections(apps, manager)
    return _text([line for one in sections for line in one.lines(rule)])


def _text(lines: Sequence[str]) -> str:
    first = f"# Managed by pm2sd {__version__}; see pm2sd logrotate --help."
    return "\n".join([first, *lines, ""])


def _general(settings: Settings) -> list[str]:
    return [
        "missingok",
        "notifempty",
        "nomail",
        "dateext",
        f"dateformat __{date_suffix(settings.date_format)}",
        "extension .log",
        f"rotate {-1 if settings.retain is None else settings.retain}",
        *(("compress", "compressoptions -9") if settings.compress else ("nocompress",)),
    ]


@dataclass(frozen=True, slots=True)
class _Section:
    """Files, as quoted patterns, with what holds for them alone."""

    files: Sequence[str]
    rule: Sequence[str]

    def lines(self, general: Sequence[str] = ()) -> list[str]:
        return ["", *self.files, "{", *(f"  {line}" for line in (*general, *self.rule)), "}"]


def _sections(apps: Iterable[App], manager: str = "") -> list[_Section]:
    """The files of apps; one of several apps stands there once.

    systemd holds the files of ``out_file`` and ``error_file`` open and does not open them anew, so
    they can only be copied and emptied. Files that an app opens itself, and opens anew when it is
    sent a signal, are renamed instead; they are compressed one rotation later, as the app may
    write to the old one until it has taken notice.
    """
    reopened: list[_Section] = []
    copied: list[str] = []
    odd: list[str] = []
    for app in apps:
        own = [_quoted(pattern) for pattern in app.rotate_files]
        if own and app.rotate_signal:
            reopened.append(_Section(own, _signalling(app, manager)))
        else:
            copied += own
        # logrotate has no way to write a line's end.
        paths = [path for _, path in log_files(app) if "\n" not in path]
        odd += [_quoted(_literal(path)) for path in paths if _SPECIAL.search(path)]
        copied += [_quoted(path) for path in paths if not _SPECIAL.search(path)]
    plain = [_Section(list(dict.fromkeys(copied)), ["copytruncate"])] if copied else []
    # It looks for old files with dates by a pattern made of the name, which it does not escape.
    strange = [_Section(list(dict.fromkeys(odd)), ["copytruncate", "nodateext"])] if odd else []
    return [*reopened, *plain, *strange]


def _signalling(app: App, manager: str) -> list[str]:
    units = " ".join(quote(names.instance(app.name, number)) for number in range(app.instances))
    kill = f"{manager}systemctl --user kill --kill-whom=main --signal={app.rotate_signal}"
    return [
        "create",
        "delaycompress",
        "sharedscripts",
        "postrotate",
        f'  for unit in {units}; do {kill} "$unit" || :; done',
        "endscript",
    ]


def _literal(path: str) -> str:
    """A path as a pattern that only it matches; where a brace is, any character will do.

    logrotate takes a brace for the end of the files' names, in quotes, too.
    """
    return _SPECIAL.sub(lambda match: "?" if match[0] in "{}" else f"\\{match[0]}", path)


def _quoted(pattern: str) -> str:
    return '"' + pattern.replace('"', '\\"') + '"'


def units(settings: Settings, places: Places) -> tuple[Unit, ...]:
    """Two timers with their services. Both take one lock: logrotate fails if its state is locked.
    Each waits a second with the lock in its hands, so that no two rotate in the same one.

    ``--force`` rotates whatever the size; empty files are left alone all the same.
    """
    record = {_SETTINGS: json.dumps(asdict(settings)), _PLACES: json.dumps(astuple(places))}
    mark = Mark(app="", namespace="", source="", version=__version__, record=record)
    zone = f" {settings.tz}" if settings.tz else ""
    events = on_calendar(parse_cron(settings.rotate_interval))
    by_size, by_clock = TIMERS

    def service(name: str, description: str, *options: str) -> AuxiliaryService:
        rotate = (places.program, *options, "--state", places.state, places.configuration)
        return AuxiliaryService(
            name=name,
            mark=mark,
            description=description,
            slice="app.slice",
            exec_start=(("/usr/bin/flock", places.lock, *_NEXT_SECOND, *rotate),),
            environment={"TZ": settings.tz} if settings.tz else {},
            syslog_identifier=NAME,
            quiet=True,
        )

    def timer(name: str, unit: str, **when: object) -> Timer:
        return Timer(
            name=name,
            mark=mark,
            description=f"start {unit}",
            wanted_by=("timers.target",),
            unit=unit,
            **when,  # type: ignore[arg-type]
        )

    return (
        service(BY_SIZE, "rotate log files of apps that have grown too large"),
        timer(by_size, BY_SIZE, every=settings.worker_interval),
        service(BY_CLOCK, "rotate the log files of apps", "--force"),
        timer(by_clock, BY_CLOCK, on_calendar=tuple(f"{event}{zone}" for event in events)),
    )
