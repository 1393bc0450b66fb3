"""Everything the doctor's checks judge, gathered beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.errors import Pm2sdError
from pm2sd.observe.status import FLAPPING
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd.file_systems import FileSystem
from pm2sd.systemd.inotify_use import InotifyUse
from pm2sd.systemd.journal_storage import Storage
from pm2sd.systemd.pm2_daemons import Pm2Daemon
from pm2sd.systemd.ports import Holder, Listener

MANY_A_DAY: Final = 20
"""Restarts within a day of which nobody would know by looking now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine and the user, as far as no manager has to be asked.

    ``booted``: PID 1 is systemd. ``system``: its units are looked at, not a user's.
    ``runtime_variable`` is XDG_RUNTIME_DIR, ``runtime_directory`` the one that is used.
    ``pm2_at_boot`` is the unit that starts PM2. ``inotify`` is only looked at where an app watches
    files. ``unit_directory_problem`` says why the unit files cannot be read or written.
    """

    user: str
    uid: int
    booted: bool
    system: bool
    runtime_variable: str | None
    runtime_directory: str
    bus_socket: bool
    lingers: bool
    synchronised: bool | None
    file_systems: tuple[FileSystem, ...]
    inotify: InotifyUse | None
    pm2: tuple[Pm2Daemon, ...]
    pm2_at_boot: str | None
    unit_directory: str
    unit_directory_problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """The user manager: its version, its state (``running``, ``degraded`` ...).

    ``controllers`` are those its units can be limited by, ``kernel_controllers`` those there are.
    ``moved`` is by how many seconds the clock was set since the manager started. ``unread`` says
    that it does not read the directory of unit files.
    """

    version: str
    number: int
    state: str
    controllers: frozenset[str]
    kernel_controllers: frozenset[str]
    moved: float
    unread: Pm2sdError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What the manager logged about the apps' instances within the last day, counted by unit.

    ``restarts`` are those that it made by itself, ``recent`` those within the last hour, ``ooms``
    kills for want of memory. ``problem`` says why the journal could not be read. ``suppressed`` are
    lines of the user's that journald's rate limit dropped, None where that cannot be known.
    """

    restarts: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, int] = field(default_factory=dict)
    ooms: Mapping[str, int] = field(default_factory=dict)
    suppressed: int | None = None
    problem: str = ""

    def flaps(self, unit: str) -> bool:
        """Whether a unit is restarted again and again: what status marks, and slower loops."""
        return self.recent.get(unit, 0) >= FLAPPING or self.restarts.get(unit, 0) >= MANY_A_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """A unit: LoadState, ActiveState and SubState of org.freedesktop.systemd1(5).

    ``ending`` says how a failed service ended. ``unread``: its files on disk, drop-ins among them,
    are not those that the manager has read.
    """

    name: str
    load: str
    active: str
    sub: str
    ending: str = ""
    unread: bool = False


@dataclass(frozen=True, slots=True)
class DropIn:
    """A drop-in that somebody else wrote, with what it sets: section and directive."""

    path: str
    directives: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file of an app's, its size in bytes, and whether logrotate is told of it."""

    path: str
    size: int
    rotated: bool


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port that an app says it listens on, and who listens on it.

    ``ours``: one of the app's own processes does, or systemd for it. ``others`` are processes of
    this user's elsewhere; ``strangers``: somebody listens whose process cannot be looked into.
    """

    number: int
    ours: bool
    others: tuple[Holder, ...]
    strangers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """One app. ``missing`` is what it needs and is gone, with the command that mends it, if any.

    ``stale_helpers`` are helper units (a watcher, a timer's service) with the missing program of
    each. ``exposed`` are files with variables in them that others may read. ``source_changed``:
    the ecosystem file was written after the app's units were. ``last_lines`` is what instances that
    failed or flap said last. ``exposure`` is the score of systemd-analyze.
    """

    stored: StoredApp
    app: App
    units: tuple[UnitState, ...]
    enabled: bool
    edited: tuple[str, ...]
    drop_ins: tuple[DropIn, ...]
    missing: tuple[tuple[str, str], ...]
    stale_helpers: tuple[tuple[str, str], ...]
    exposed: tuple[str, ...]
    source_missing: bool
    source_changed: bool
    log_files: tuple[LogFile, ...]
    ports: tuple[Port, ...]
    last_lines: tuple[str, ...]
    exposure: float | None

    @property
    def name(self) -> str:
        """The app's name."""
        return self.app.name

    @property
    def instances(self) -> tuple[UnitState, ...]:
        """The units of its instances that are loaded."""
        wanted = set(self.stored.instances)
        return tuple(unit for unit in self.units if unit.name in wanted)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Files of ours whose app has no target any more; ``running`` are its units that still run."""

    app: str
    files: tuple[str, ...]
    edited: tuple[str, ...]
    running: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it. ``absence`` says why there is no ``manager``; ``whole``: all apps are looked at.

    ``strays`` are loaded units that look like ours and have no file; ``dangling`` links in the
    unit directory to files of ours that are gone. ``listeners`` are all of the machine's.
    """

    machine: Machine
    manager: Manager | None
    absence: Pm2sdError | None
    journal: Storage
    events: Events
    apps: tuple[AppFacts, ...]
    leftovers: tuple[Leftover, ...] = ()
    strays: tuple[UnitState, ...] = ()
    dangling: tuple[str, ...] = ()
    whole: bool = True
    listeners: tuple[Listener, ...] = ()
