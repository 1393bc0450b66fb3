"""The App: everything pm2sd knows about one application, resolved on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Self

if TYPE_CHECKING:
    from pm2sd.ecosystem.nodes import Plain

ExecMode = Literal["fork", "cluster"]
MemoryPolicy = Literal["hard", "graceful"]
Hardening = Literal["off", "basic", "strict"]

UNLIMITED_RESTARTS: Final = 2**31 - 1
"""The ``max_restarts`` of an app that is restarted for ever, and the most that it takes:
StartLimitBurst= is an unsigned 32-bit number."""

INSTANCE_VAR: Final = "NODE_APP_INSTANCE"
"""The variable that holds an instance's number where ``instance_var`` names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One application, ready to be translated: paths absolute, defaults filled in.

    Durations are milliseconds, sizes bytes. ``command`` is the argument vector that runs it, its
    first element an absolute path; ``script``, ``args``, ``interpreter`` and ``interpreter_args``
    are kept beside it because people ask for them. Log files are absolute paths, ``/dev/null`` to
    drop a stream, or None for the journal. ``listen`` are the sockets that systemd opens: ``3000``,
    ``127.0.0.1:3000``, ``[::1]:3000``, or an absolute path. ``depends_on`` has the number of
    instances of each app that this one waits for; ``cpu_quota`` is percents of one CPU; ``unit``
    has lines of directives by section. ``watched`` and ``ignore_watch`` are paths and patterns
    relative to ``watch_base``, empty where nothing is watched. ``rotate_files`` are absolute
    patterns of log files that the app itself opens. ``ready`` and ``health`` are what
    ``ecosystem/checks.py`` makes of the options, ``webhook`` (of ``on_failure``) and ``alerts``
    what ``ecosystem/on_failure.py`` does. With ``system`` the machine's manager runs
    it, as ``user`` and ``group`` (empty: that user's). ``written`` holds the options as the user
    gave them, under their canonical names.
    """

    name: str
    namespace: str = "default"
    source: str = ""

    script: str
    args: tuple[str, ...] = ()
    interpreter: str = "none"
    interpreter_args: tuple[str, ...] = ()
    command: tuple[str, ...]
    cwd: str
    exec_mode: ExecMode = "fork"
    instances: int = 1
    autostart: bool = True
    depends_on: Mapping[str, int] = field(default_factory=dict)

    system: bool = False
    user: str = ""
    group: str = ""

    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    instance_var: str = INSTANCE_VAR
    increment_var: str | None = None
    port: int | None = None
    listen: tuple[str, ...] = ()
    backlog: int | None = None
    reuse_port: bool = False

    autorestart: bool = True
    stop_exit_codes: tuple[int, ...] = ()
    max_restarts: int = 16
    min_uptime: int = 1000
    restart_delay: int = 0
    exp_backoff_restart_delay: int | None = None
    max_memory_restart: int | None = None
    memory_policy: MemoryPolicy = "hard"
    memory_total: int | None = None
    cron_restart: str | None = None
    cron_catch_up: bool = False
    schedule: str | None = None
    cpu_quota: float | None = None
    io_weight: int | None = None
    tasks_max: int | None = None
    nice: int | None = None

    watched: tuple[str, ...] = ()
    ignore_watch: tuple[str, ...] = ()
    watch_base: str = ""
    watch_delay: int = 0
    watch_options: Mapping[str, Plain] = field(default_factory=dict)

    kill_timeout: int = 1600
    kill_signal: str = "SIGINT"
    treekill: bool = True
    shutdown_with_message: bool = False
    wait_ready: bool = False
    listen_timeout: int = 3000
    ready: Mapping[str, Plain] | None = None
    health: Mapping[str, Plain] | None = None
    idle_timeout: int | None = None

    out_file: str | None = None
    error_file: str | None = None
    log_file: str | None = None
    merge_logs: bool = True
    disable_logs: bool = False
    log_date_format: str | None = None
    log_type: str | None = None
    rotate_files: tuple[str, ...] = ()
    rotate_signal: str | None = None

    on_failure: tuple[str, ...] = ()
    webhook: Mapping[str, Plain] = field(default_factory=dict)
    alerts: Mapping[str, Plain] = field(default_factory=dict)
    hardening: Hardening = "basic"
    unit: Mapping[str, Sequence[str]] = field(default_factory=dict)
    written: Mapping[str, Plain] = field(default_factory=dict)

    def to_json(self) -> str:
        """The App on one line of ASCII, without the secrets' values."""
        record = asdict(self) | {"secrets": {}}
        return json.dumps(record, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, secrets: Mapping[str, str] | None = None) -> Self:
        """The App that ``to_json`` wrote; a field this version does not know is left out.

        Raises ValueError or TypeError for text that no version of pm2sd wrote.
        """
        record: dict[str, Any] = json.loads(text)
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in record.items()
            if key in known
        }
        return cls(**{**values, "secrets": dict(secrets or {})})
