"""The journal of this user's units, read through journalctl(1).

An app's lines are found by identifier and uid, not by unit: journald looks a process's unit up
when it reads the line, and a process that has ended by then has none.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.systemd import scope
from pm2sd.systemd.clock import Moment
from pm2sd.systemd.journal_storage import directories, has_own_journal, reads_system_journal

_FIELDS: Final = (
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "USER_UNIT",
    "_SYSTEMD_USER_UNIT",
    "UNIT",
    "_SYSTEMD_UNIT",
    "_PID",
    "MESSAGE_ID",
    "COMMAND",
    "EXIT_CODE",
    "EXIT_STATUS",
    "UNIT_RESULT",
    "N_DROPPED",
    "OBJECT_UID",
)
_MESSAGES_DROPPED: Final = "a596d6fe7bfa4994828e72309e95d61e"
KEEP_ON_DISK: Final = (
    "sudo mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\nStorage=persistent\\n' | "
    "sudo tee /etc/systemd/journald.conf.d/zz-on-disk.conf && "
    "sudo systemctl restart systemd-journald && sudo journalctl --flush"
)
"""What gives everybody a journal of their own, whatever Storage= says elsewhere: the last of such
files in the alphabet counts (journald.conf(5)), and only --flush moves it to the disk at once."""

_LAST_SYSTEM_UID: Final = 999
"""Up to this uid journald splits no journal off: what they log is in the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which entries to read, oldest first.

    Entries match when their identifier is one of ``identifiers`` (with one of ``priorities``, if
    given: 6 is an app's stdout, 3 its stderr) or when the manager logged them about one of
    ``units``; with neither, all of this user's. ``lines`` are the last ones (None: all, or with
    ``follow`` only what comes from now on). ``since`` and ``until`` are times of systemd.time(7);
    ``grep`` is a Perl-compatible expression, in any case unless it has a capital letter.
    ``message_ids`` narrows what the manager logged. ``drops`` adds what journald says of lines that
    it dropped, where this user may read it; see ``dropped``.
    """

    identifiers: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    message_ids: tuple[str, ...] = ()
    lines: int | None = None
    since: str | None = None
    until: str | None = None
    grep: str | None = None
    follow: bool = False
    drops: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. ``when`` is the moment at which journald got it.

    Bytes of a message that are no UTF-8 are replaced. ``about`` is the unit that the manager tells
    of, empty where it does not; ``unit`` that one, or else the one that wrote the entry; ``fields``
    holds the other fields that were asked for.
    """

    when: Moment
    identifier: str
    priority: int
    message: str
    pid: int | None
    unit: str
    about: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def realtime_usec(self) -> int:
        """When it was by the clock as it was set then, in microseconds since 1970."""
        return self.when.realtime


def entries(query: Query) -> Iterator[Entry]:
    """The entries that match, oldest first; with ``follow``, until the generator is closed.

    Raises Pm2sdError where there is no journal to read, or for a time or an expression that
    journalctl does not understand.
    """
    found = _run(arguments(query))
    if query.grep is not None and query.lines is not None and not query.follow:
        # With both, journalctl searches from the end and prints in that order.
        yield from reversed(list(found))
    else:
        yield from found


def last_lines(identifiers: tuple[str, ...], units: tuple[str, ...], count: int) -> list[Entry]:
    """The last entries of some apps' instances, with what the manager said about their units."""
    return list(entries(Query(identifiers=identifiers, units=units, lines=count)))


def suppressed(since: str | None = None) -> int | None:
    """How many lines journald's rate limit dropped of this user's, all apps taken together.

    journald notes it in the system journal; None for users who may not read that (those outside
    the groups systemd-journal and adm).
    """
    if not reads_system_journal():
        return None
    times = [f"--since={since}"] if since else []
    found = _run([*_OPTIONS, "--lines=all", *times, f"MESSAGE_ID={_MESSAGES_DROPPED}"])
    return sum(map(dropped, found))


def dropped(entry: Entry) -> int:
    """How many of this user's lines journald says in an entry that it dropped; 0 in all others.

    The process that it names may have ended, and then has no uid.
    """
    if entry.fields.get("MESSAGE_ID") != _MESSAGES_DROPPED:
        return 0
    uid = str(os.getuid())
    ours = entry.message.endswith(f" user@{uid}.service") or entry.fields.get("OBJECT_UID") == uid
    return int(entry.fields.get("N_DROPPED", "0")) if ours else 0


_OPTIONS: Final = (
    "--quiet",
    "--all",  # without it long fields come as null
    "--output=json",
    f"--output-fields={','.join(_FIELDS)}",
)


def arguments(query: Query) -> list[str]:
    """The arguments of journalctl for a query."""
    uid = os.getuid()
    options = [*_OPTIONS]
    drops = query.drops and reads_system_journal()
    if not scope.system and uid > _LAST_SYSTEM_UID and has_own_journal(uid) and not drops:
        options.append("--user")
    if query.lines is not None:
        options.append(f"--lines={query.lines}")
    elif query.follow:
        options.append("--no-tail" if query.since else "--lines=0")
    if query.follow:
        options.append("--follow")
    for option in ("since", "until", "grep"):
        value = getattr(query, option)
        if value is not None:
            options.append(f"--{option}={value}")
    also = ["+", f"MESSAGE_ID={_MESSAGES_DROPPED}"] if drops else []
    return [*options, *_matches(query, uid), *also]


def _matches(query: Query, uid: int) -> list[str]:
    """The match terms: one field's values are alternatives, ``+`` is an or between groups."""
    # With --system the apps' users are several, and the manager is root's.
    ours = [] if scope.system else [f"_UID={uid}"]
    about, _ = _unit_fields()
    managers = ["_PID=1"] if scope.system else ours
    groups = []
    if query.identifiers:
        priorities = [f"PRIORITY={number}" for number in query.priorities]
        names = [f"SYSLOG_IDENTIFIER={name}" for name in query.identifiers]
        groups.append([*ours, *priorities, *names])
    if query.units:
        messages = [f"MESSAGE_ID={number}" for number in query.message_ids]
        groups.append([*managers, *messages, *(f"{about}={unit}" for unit in query.units)])
    if not groups:
        return ours
    return [term for group in groups for term in ("+", *group)][1:]


def _run(options: list[str]) -> Iterator[Entry]:
    complaints = os.memfd_create("journalctl")
    any_entry = False
    try:
        with subprocess.Popen(
            ["journalctl", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    any_entry = True
                    yield parse(json.loads(line))
            except BaseException:
                process.terminate()
                raise
        said = os.pread(complaints, 4096, 0).decode(errors="replace").strip()
        if process.returncode and (said or process.returncode < 0):
            raise failure(said or f"journalctl was killed by signal {-process.returncode}")
        if not any_entry and not directories():
            raise failure("No journal files were found")
    except FileNotFoundError as error:
        raise Pm2sdError(
            "journalctl is not installed, so there is no journal to read",
            hint="install systemd's journal, or write logs to files: out_file, error_file",
        ) from error
    finally:
        os.close(complaints)


def failure(said: str) -> Pm2sdError:
    """Our error for what journalctl said before it gave up."""
    line = said.splitlines()[-1]
    if "insufficient permissions" in line or "No journal files" in line:
        return Pm2sdError(
            f"no journal to read: {line}",
            hint=f"keep the journal on disk, where everybody has their own: {KEEP_ON_DISK}",
        )
    if "Failed to parse timestamp" in line:
        return Pm2sdError(
            line,
            hint="times are written like '10 min ago', 'yesterday' or '2026-11-21 08:00'",
            code=ExitStatus.USAGE,
        )
    if line.startswith("Bad pattern"):
        return Pm2sdError(line, code=ExitStatus.USAGE)
    return Pm2sdError(f"journalctl: {line}")


def parse(raw: dict[str, Any]) -> Entry:
    """The entry that a line of ``journalctl --output=json`` is, read as JSON."""
    values: dict[str, str] = {name: _text(raw[name]) for name in _FIELDS if name in raw}
    about, by = _unit_fields()
    return Entry(
        when=Moment(
            int(raw["__REALTIME_TIMESTAMP"]), int(raw["__MONOTONIC_TIMESTAMP"]), raw["_BOOT_ID"]
        ),
        message=values.pop("MESSAGE", ""),
        identifier=values.pop("SYSLOG_IDENTIFIER", ""),
        priority=int(values.pop("PRIORITY", "") or 6),
        pid=_number(values.pop("_PID", "")),
        unit=values.get(about) or values.get(by, ""),
        about=values.get(about, ""),
        fields=values,
    )


def _unit_fields() -> tuple[str, str]:
    """The fields with the unit an entry is about, and with the one that wrote it."""
    if scope.system:
        return "UNIT", "_SYSTEMD_UNIT"
    return "USER_UNIT", "_SYSTEMD_USER_UNIT"


def _text(value: Any) -> str:
    """A field's text: a string; the bytes of one; or, given more than once, the last of these."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return ""
    if isinstance(value[0], int):
        return bytes(value).decode(errors="replace")
    return _text(value[-1])


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None
