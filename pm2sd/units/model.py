"""Unit files as typed values, before they are text.

Every ``str`` here is literal: whatever it holds reaches the process byte for byte. The one
exception is ``INSTANCE``, which stands for the instance's number (systemd's ``%i``) inside a
``Text``. Durations are milliseconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias


class Specifier(Enum):
    """A part of a text that systemd fills in."""

    INSTANCE = "%i"


INSTANCE: Final = Specifier.INSTANCE

Text: TypeAlias = "str | tuple[str | Specifier, ...]"


@dataclass(frozen=True, slots=True)
class Output:
    """Where a stream goes: the journal, nowhere, or the end of a file (an absolute path)."""

    kind: Literal["journal", "null", "append"]
    path: Text = ""


JOURNAL: Final = Output("journal")
NULL: Final = Output("null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the ``[X-Pm2sd]`` section says, so that a file can be known for ours.

    ``record`` are further keys, each value one line of JSON: the target carries the App, its
    instances' ids and the notes. ``system`` says that the file is for the machine's manager.
    """

    app: str
    namespace: str
    source: str
    version: str
    record: Mapping[str, str] = field(default_factory=dict)
    system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """``NAME@.service``: the template that every instance of an app is made from.

    ``name``, ``part_of``, ``after`` and ``slice`` are whole unit names, as is ``socket``, whose
    sockets the program inherits; an empty ``working_directory`` leaves it to the manager.
    ``timeout_stop`` 0 means at once, not for ever as in a unit file. ``cpu_quota`` is percents of
    one CPU. ``exec_start_post`` runs outside of what ``hardening`` keeps the program in.
    ``open_file`` is a path, a name and options in the syntax of OpenFile=. An instance that leaves
    the ``watchdog`` unfed for so long is killed.
    ``hardening``, ``extra_unit`` and ``extra_service`` are whole lines in systemd's own
    syntax, not literal as all else.
    """

    name: str
    mark: Mark
    description: Text
    part_of: str
    after: tuple[str, ...] = ()
    on_failure: Text | None = None
    slice: str
    user: str = ""
    group: str = ""
    type: Literal["exec", "notify"] = "exec"
    exec_start_pre: tuple[tuple[Text, ...], ...] = ()
    exec_start: tuple[Text, ...]
    exec_start_post: tuple[tuple[Text, ...], ...] = ()
    working_directory: str
    environment: Mapping[str, Text] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    socket: Text | None = None

    restart: Literal["always", "on-failure", "on-watchdog", "no"] = "always"
    restart_sec: int = 0
    restart_steps: int | None = None
    restart_max_delay: int | None = None
    start_limit_burst: int = 0
    start_limit_interval: int = 0
    success_exit_status: tuple[int, ...] = ()
    restart_prevent_exit_status: tuple[int, ...] = ()

    kill_signal: str = "SIGINT"
    kill_mode: Literal["control-group", "mixed", "process"] = "control-group"
    timeout_stop: int = 1600
    timeout_start: int | None = None
    notify_access: Literal["main", "exec", "all"] | None = None
    open_file: str | None = None
    watchdog: int | None = None

    memory_max: int | None = None
    memory_swap_max: int | None = None
    oom_policy: Literal["continue", "stop", "kill"] | None = None
    cpu_quota: float | None = None
    io_weight: int | None = None
    tasks_max: int | None = None
    nice: int | None = None

    standard_output: Output = JOURNAL
    standard_error: Output = JOURNAL
    syslog_identifier: Text = ""
    syslog_level: Literal["info", "err"] = "info"
    runtime_directories: tuple[Text, ...] = ()
    runtime_directory_preserve: Literal["no", "restart", "yes"] = "no"

    hardening: tuple[str, ...] = ()
    read_write_paths: tuple[str, ...] = ()
    extra_unit: tuple[str, ...] = ()
    extra_service: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``NAME.target``: groups an app's instances; starting and stopping it acts on them all."""

    name: str
    mark: Mark
    description: Text
    wants: tuple[str, ...]
    part_of: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = ("default.target",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """``NAME.socket``, or ``NAME@.socket``: the sockets that an app's instances inherit.

    ``listen`` are ports, addresses with ports, and absolute paths, in the order in which a program
    gets their descriptors. ``service`` is what a connection starts where no instance runs; None for
    the instance of the same number.
    """

    name: str
    mark: Mark
    description: Text
    part_of: str
    listen: tuple[str, ...]
    descriptor_name: str
    backlog: int | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketKeeper:
    """``NAME:socket.service``: what connections to a ``NAME.socket`` start when no instance runs.

    It does nothing, so that an instance that was stopped stays stopped.
    """

    name: str
    mark: Mark
    description: Text
    socket: str
    slice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryService:
    """``NAME:WHAT.service``: something that is done beside an app's instances.

    ``oneshot`` runs each of ``exec_start`` to its end, one after the other; ``exec`` is one program
    that stays, ``notify`` one that also says when it is ready. ``part_of`` is the app's target for
    one that stops with it. What it prints is info in the journal, or has its level before it
    (sd-daemon(3)); a program that stays is started again when it fails.
    ``quiet`` is for one that runs all the time: that it does is not logged, what it prints is.
    """

    name: str
    mark: Mark
    description: Text
    user: str = ""
    group: str = ""
    type: Literal["oneshot", "exec", "notify"] = "oneshot"
    part_of: str | None = None
    slice: str
    exec_start: tuple[tuple[Text, ...], ...]
    working_directory: str = ""
    environment: Mapping[str, Text] = field(default_factory=dict)
    restart: Literal["on-failure", "no"] = "no"
    restart_sec: int = 1000
    syslog_identifier: Text = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """``NAME:WHAT.timer``: starts ``unit`` at each of the calendar events of systemd.time(7).

    ``persistent``: also once for those that passed while the timer was not there. With ``every``,
    in milliseconds, it is started so long after the timer, and then after each of its ends;
    ``steady``: after each of its starts, and exactly. ``part_of`` is the app's target; one without
    it is of no app, and ``wanted_by`` enables it.
    """

    name: str
    mark: Mark
    description: Text
    part_of: str | None = None
    wanted_by: tuple[str, ...] = ()
    on_calendar: tuple[str, ...] = ()
    persistent: bool = False
    every: int | None = None
    steady: bool = False
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """``app-pm2sd-NAME.slice``: what all that runs for an app may use together."""

    name: str
    mark: Mark
    description: Text
    memory_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceDropIn:
    """``NAME@N.service.d/10-pm2sd.conf``: what one instance has of its own."""

    service: str
    mark: Mark
    environment: Mapping[str, Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFile:
    """Variables that must not be seen in the unit: a file of mode 0600 beside its drop-ins."""

    service: str
    mark: Mark
    variables: Mapping[str, str]


Unit: TypeAlias = (
    Service
    | Target
    | Socket
    | SocketKeeper
    | AuxiliaryService
    | Timer
    | Slice
    | InstanceDropIn
    | EnvironmentFile
)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A file's text and its path, relative to the user's unit directory."""

    path: str
    text: str
