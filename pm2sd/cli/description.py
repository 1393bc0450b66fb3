"""The description of an instance, as data and as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pm2sd.cli import human, output
from pm2sd.cli.listing import STYLES, state_text
from pm2sd.cli.listing import record as record_of_row

if TYPE_CHECKING:
    from pm2sd.observe.describe import Description, LastExit
    from pm2sd.observe.limits_in_force import Limit
    from pm2sd.observe.status import Row

_MEASURES: dict[str, Callable[[int], str]] = {
    "bytes": human.size,
    "count": str,
    "usec": lambda usec: f"{usec / 1e6:g}s",
    "cpu": lambda usec: f"{usec / 1e4:g}%",
}


def record(one: Description) -> dict[str, Any]:
    """What --json prints."""
    app = one.app
    return record_of_row(one.row) | {
        "version": one.version,
        "last_exit": asdict(one.last_exit) if one.last_exit else None,
        "history": [asdict(end) for end in one.history],
        "next_run": one.next_run,
        "limits": {limit.name: limit.value for limit in one.limits},
        "unenforced": [limit.name for limit in one.limits if not limit.enforced],
        "script": app.script,
        "args": app.args,
        "interpreter": app.interpreter,
        "interpreter_args": app.interpreter_args,
        "command": app.command,
        "cwd": app.cwd,
        "source": app.source,
        "hardening": app.hardening,
        "confined": one.confined,
        "watching": one.watching,
        "logs": dict(one.logs),
        "ports": one.ports,
        "files": one.files,
        "edited": one.edited,
        "drop_ins": one.drop_ins,
        "needs_reload": one.needs_reload,
        "lingers": one.lingers,
        "notes": [asdict(note) for note in one.notes],
        "commands": one.commands,
    }


def text(one: Description) -> str:
    """Its sections, those left out that have nothing to say."""
    row, app = one.row, one.app
    sections = [
        (
            f"{row.name}@{row.instance}",
            [
                ("status", output.paint(state_text(row), STYLES.get(row.state, ""))),
                ("name", row.name),
                ("id", str(row.id)),
                ("namespace", row.namespace),
                ("version", one.version),
                ("pid", str(row.pid or 0)),
                ("uptime", human.duration(row.uptime)),
                ("cpu", human.percent(row.cpu)),
                ("memory", human.size(row.memory)),
                ("restarts", _restarts(one.row)),
                ("last exit", _last_exit(one.last_exit, one.journal_error)),
                ("starts", _starts(one)),
                *_clock(one),
                *_checks(one),
                ("listens on", ", ".join(one.ports)),
            ],
        ),
        ("Last ends", [("", _last_exit(end, "")) for end in _history(one)]),
        (
            "Program",
            [
                ("script path", app.script),
                ("script args", _words(app.args)),
                ("interpreter", app.interpreter),
                ("interpreter args", _words(app.interpreter_args)),
                ("exec cwd", app.cwd),
                ("exec mode", app.exec_mode),
                ("user", row.user),
                ("hardening", _hardening(one)),
                ("watch & reload", _watching(one)),
                ("node env", app.env.get("NODE_ENV", "")),
                ("came from", app.source),
            ],
        ),
        ("Limits in force", [(limit.name, _limit(limit)) for limit in one.limits]),
        (
            "Logs",
            [("out log path", one.logs["out"]), ("error log path", one.logs["err"])],
        ),
        (
            "Unit files",
            [
                *(("", _file(path, one.edited)) for path in one.files),
                *(("your drop-in", path) for path in one.drop_ins),
                ("daemon-reload", "needed: files changed since" if one.needs_reload else ""),
            ],
        ),
        (
            "Notes",
            [(note.option, f"{note.fidelity}: {note.text}") for note in one.notes],
        ),
        ("The same without pm2sd", [("", command) for command in one.commands]),
    ]
    return "\n\n".join(_section(title, rows) for title, rows in sections if _filled(rows))


def _filled(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(key, value) for key, value in rows if value]


def _section(title: str, rows: Sequence[tuple[str, str]]) -> str:
    filled = _filled(rows)
    width = max(len(key) for key, _ in filled)
    lines = [f"  {key.ljust(width)}  {value}" if width else f"  {value}" for key, value in filled]
    return "\n".join([output.paint(title, "bold"), *lines])


def _restarts(row: Row) -> str:
    gave_up = row.restarts and row.state == "errored"
    return f"{row.restarts}, then systemd gave up" if gave_up else str(row.restarts)


def _starts(one: Description) -> str:
    if not one.row.enabled:
        return "by hand"
    if one.lingers:
        return "at boot"
    return "when you log in; at boot too after: pm2sd startup"


def _clock(one: Description) -> list[tuple[str, str]]:
    """What the app does by the clock, and when next."""
    app = one.app
    if app.schedule is None and app.cron_restart is None:
        return []
    when = one.next_run and datetime.fromtimestamp(one.next_run).astimezone()
    following = when.strftime("%Y-%m-%d %H:%M:%S") if when else ""
    if app.schedule is None:
        return [("cron restart", app.cron_restart or ""), ("next restart", following)]
    return [("schedule", app.schedule), ("next run", following)]


def _checks(one: Description) -> list[tuple[str, str]]:
    """How it is found out that the app serves, as the user wrote it."""
    import json

    written = one.app.written
    asked = [(title, written.get(title)) for title in ("ready", "health", "idle_timeout")]
    return [
        (title.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
        for title, value in asked
        if value not in (None, False)
    ]


def _history(one: Description) -> tuple[LastExit, ...]:
    """The ends of its life; a single one is the last exit, which is shown already."""
    return one.history if len(one.history) > 1 else ()


def _last_exit(last: LastExit | None, journal_error: str) -> str:
    if last is None:
        return f"not known: {journal_error}" if journal_error else ""
    when = datetime.fromtimestamp(last.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{last.words}, {when}"


def _limit(limit: Limit) -> str:
    if limit.value is None:
        return ""
    text = _MEASURES[limit.measure](limit.value)
    return text if limit.enforced else f"{text}, but not enforced: no memory controller here"


def _watching(one: Description) -> str:
    if one.watching is None:
        return "disabled"
    place = ", ".join(one.app.watched)
    return f"enabled: {place}" if one.watching else f"enabled: {place}; not while the app is down"


def _hardening(one: Description) -> str:
    level = one.app.hardening
    if level == "strict" and one.confined is False:
        return "strict, but systemd could not protect files on this system"
    return level


def _file(path: str, edited: Sequence[str]) -> str:
    return f"{path} {output.paint('(edited by hand)', 'yellow')}" if path in edited else path


def _words(arguments: Sequence[str]) -> str:
    from shlex import join

    return join(arguments)
