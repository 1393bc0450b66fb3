"""describe, env, cat, which: one app in detail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pm2sd.cli import human, output
from pm2sd.cli.apply import TargetSystemd
from pm2sd.cli.listing import STYLES, pick, record, state_text
from pm2sd.cli.status import Json
from pm2sd.observe.known import Known
from pm2sd.systemd.bus import Bus

if TYPE_CHECKING:
    from pm2sd.observe.describe import Description, LastExit, Limit
    from pm2sd.observe.status import Row

Required = Annotated[
    list[str],
    typer.Argument(metavar="SELECTOR...", help="Apps, instances, ids, namespaces, /regex/."),
]

Reveal = Annotated[bool, typer.Option("--reveal", help="Show the values of secrets.")]

_MEASURES: dict[str, Callable[[int], str]] = {
    "bytes": human.size,
    "count": str,
    "usec": lambda usec: f"{usec / 1e6:g}s",
    "cpu": lambda usec: f"{usec / 1e4:g}%",
}


def describe(selectors: Required, json: Json = False) -> None:
    """Show everything about an app's instances.

    What runs, how it last ended, which limits are in force, where its files and logs are, and what
    the translation to systemd had to say.
    """
    from pm2sd.observe.describe import describe as description_of

    known = Known.read()
    chosen = pick(known, selectors)
    with Bus.open() as bus:
        found = description_of(bus, known, chosen)
    if json:
        output.emit_json([_record(one) for one in found])
    else:
        output.emit("\n\n".join(_text(one) for one in found))


def env(selectors: Required, json: Json = False, reveal: Reveal = False) -> None:
    """Print the environment that the next start of an instance gets, secrets masked.

    It is what its unit says, your drop-ins included; what every unit inherits from the user
    manager (systemctl --user show-environment) is left out. Where the running process was started
    with something else, that is told.
    """
    from pm2sd.observe.environment import configured, outdated

    known = Known.read()
    chosen = pick(known, selectors)
    records = []
    with Bus.open() as bus:
        for one in chosen:
            variables = configured(bus, one.unit, known.stored.apps[one.app].app, reveal=reveal)
            records.append({"name": one.app, "instance": one.number, "env": variables})
            if not json:
                if len(chosen) > 1:
                    output.emit(f"{'' if len(records) == 1 else chr(10)}# {one}")
                output.emit("\n".join(f"{name}: {value}" for name, value in variables.items()))
            stale = outdated(int(bus.get(one.unit, "Service", "MainPID")), variables)
            if stale:
                output.say(f"{one} still runs with other values of: {', '.join(stale)}")
    if json:
        output.emit_json(records)


def cat(
    selectors: Required,
    json: Json = False,
    reveal: Reveal = False,
    target_systemd: TargetSystemd = None,
) -> None:
    """Print unit files and drop-ins, as systemctl cat does; secrets are masked.

    With --target-systemd, what ecosystem files become on a machine with that version of systemd,
    applied there for the first time; nothing need run here:

      pm2sd cat ecosystem.yaml --target-systemd 257
    """
    from pm2sd.observe.units import unit_texts

    if target_systemd is not None:
        from pm2sd.cli.rendering import for_another

        found = for_another(selectors, target_systemd, reveal=reveal)
    else:
        known = Known.read()
        found = unit_texts(known, pick(known, selectors), reveal=reveal)
    if json:
        output.emit_json([{"path": path, "text": text} for path, text in found])
        return
    output.emit("\n".join(f"{output.paint(f'# {path}', 'cyan')}\n{text}" for path, text in found))


def which(selectors: Required, json: Json = False) -> None:
    """Print the units of apps with the files they are made of, and the programs they run."""
    from pm2sd.observe.units import unit_paths

    known = Known.read()
    chosen = pick(known, selectors)
    units = unit_paths(known, chosen)
    programs = {one.app: known.stored.apps[one.app].app.command[0] for one in chosen}
    if json:
        output.emit_json({"units": dict(units), "programs": programs})
        return
    rows = [*units, *((f"program of {name}", path) for name, path in programs.items())]
    width = max(len(name) for name, _ in rows)
    output.emit("\n".join(f"{name.ljust(width)}  {path}" for name, path in rows))


def _record(one: Description) -> dict[str, Any]:
    app = one.app
    return record(one.row) | {
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


def _text(one: Description) -> str:
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
