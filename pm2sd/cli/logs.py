"""logs, flush: what apps print."""

from __future__ import annotations

import json as json_
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from pm2sd.cli import output
from pm2sd.cli.listing import pick
from pm2sd.cli.status import Json, Selectors
from pm2sd.errors import ExitStatus, Problem
from pm2sd.observe.known import Known

if TYPE_CHECKING:
    from pm2sd.observe.logs import Line
    from pm2sd.plan.select import Instance
    from pm2sd.plan.stored import StoredApp

_LIFT = "; pm2sd journald tells how to lift it, log files (out_file) have none"
_COLOURS = {"out": "green", "err": "red", "systemd": "cyan"}


def logs(
    selectors: Selectors = None,
    lines: Annotated[
        Optional[int],  # noqa: UP045 - Typer reads it at run time
        typer.Option(
            "--lines", "-n", min=0, help="Lines of each app to begin with.", show_default="15"
        ),
    ] = None,
    err: Annotated[bool, typer.Option("--err", help="Only what goes to stderr.")] = False,
    out: Annotated[bool, typer.Option("--out", help="Only what goes to stdout.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Only what the apps printed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False,
    since: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Lines since a time: '10 min ago', yesterday, 2026-11-21 08:00."),
    ] = None,
    grep: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Lines that match a regular expression."),
    ] = None,
    nostream: Annotated[
        bool, typer.Option("--nostream", help="Do not wait for further lines.")
    ] = False,
    timestamp: Annotated[
        bool, typer.Option("--timestamp", help="Begin lines with their time.")
    ] = False,
) -> None:
    """Show what apps printed last, and follow what they print.

    Lines stand in the order of time, with what systemd says of starts and exits between them.
    Ctrl-C ends it. Exits 1 if nothing but log files is to be read, and none of them can be.
    """
    from pm2sd.observe.log_sources import Sources, sources
    from pm2sd.observe.logs import Filter, Logs
    from pm2sd.plan.select import instances

    known = Known.read()
    chosen = pick(known, selectors)
    if not chosen:
        output.say("no apps yet, so there is nothing to show")
        return
    wanted = Filter(
        lines=None if lines is None and since else (15 if lines is None else lines),
        streams=("out",) if out and not err else ("err",) if err and not out else ("out", "err"),
        since=since,
        grep=grep,
        messages=not (raw or err or out),
    )
    apps = dict(known.stored.apps)
    where = sources(apps, chosen, wanted.streams)
    formatted = _formatter(apps, chosen, raw=raw, json=json, timestamp=timestamp)

    def refresh() -> Sources:
        apps.update(Known.read().stored.apps)
        return sources(apps, instances(apps.values()), wanted.streams)

    everything = not selectors or "all" in selectors
    with Logs(where, wanted, refresh if everything else None) as found:
        if since and where.files:
            output.say("lines in files carry no time, so --since leaves them out")
        for path, reason in found.unreadable().items():
            output.complain([Problem(f"cannot read {path}: {reason}", hint=f"ls -l {path}")])
        blind = found.is_blind()
        shown = found.history(complete=nostream)
        _print(map(formatted, shown))
        _tell_dropped(found.dropped(shown), shown)
        if not nostream:
            try:
                for some in found.follow(sys.stdout.fileno()):
                    _print(formatted(line) for line in some if line.kind != "dropped")
                    for line in some:
                        if line.kind == "dropped":
                            output.say(line.text + _LIFT)
            except KeyboardInterrupt:
                pass
    if blind:
        raise typer.Exit(ExitStatus.FAILED)


def _tell_dropped(dropped: int | None, shown: Sequence[Line]) -> None:
    from pm2sd.observe.logs import is_hurried

    if dropped:
        output.say(
            f"journald dropped {dropped} lines of your apps meanwhile: its rate limit{_LIFT}"
        )
    elif dropped is None and is_hurried(shown):
        output.say(
            "lines come faster than journald takes them where nothing else is set; whether it "
            "dropped some, only members of the group systemd-journal can read: "
            "sudo usermod -aG systemd-journal $USER, or lift the limit: pm2sd journald"
        )


def flush(selectors: Selectors = None, json: Json = False) -> None:
    """Empty log files, and hide from logs what the journal holds until now.

    Nothing can be taken out of the journal but its oldest files (journalctl --vacuum-time); what
    is hidden is still there for journalctl.
    """
    from pm2sd.control.flush import flush as flush_apps

    known = Known.read()
    names = dict.fromkeys(one.app for one in pick(known, selectors))
    done = flush_apps([known.stored.apps[name].app for name in names])
    if json:
        output.emit_json(
            [{"name": one.app, "files": one.files, "journal_hidden": one.journal} for one in done]
        )
        return
    for one in done:
        for path in one.files:
            output.emit(f"{one.app}: emptied {path}")
        if one.journal:
            output.emit(f"{one.app}: lines in the journal until now are hidden from pm2sd logs")
        if not one.files and not one.journal:
            output.emit(f"{one.app}: nothing to empty")


def reload_logs(selectors: Selectors = None) -> None:
    """Say which log files are open. Unlike PM2, systemd does not open them anew.

    Exits 1 if there are any, so that a rotation that moves files away does not lose lines unseen.
    """
    from pm2sd.errors import Pm2sdError
    from pm2sd.translate.logs import log_files

    known = Known.read()
    names = dict.fromkeys(one.app for one in pick(known, selectors))
    files = sorted({path for name in names for _, path in log_files(known.stored.apps[name].app)})
    if files:
        raise Pm2sdError(
            f"systemd keeps log files open until the app restarts: {', '.join(files)}",
            hint="pm2sd logrotate copies and empties them; or leave them out and use the journal",
        )
    output.emit("nothing to open anew: all apps print to the journal")


def _print(lines: Iterable[bytes]) -> None:
    """Lines as they are, whatever the terminal's encoding: apps print bytes, too."""
    sys.stdout.flush()
    sys.stdout.buffer.writelines(lines)
    sys.stdout.buffer.flush()


def _formatter(
    apps: Mapping[str, StoredApp],
    chosen: Iterable[Instance],
    *,
    raw: bool,
    json: bool,
    timestamp: bool,
) -> Callable[[Line], bytes]:
    if json:
        return _json_line
    from pm2sd.observe.dates import TIMESTAMP, format_date

    default = TIMESTAMP if timestamp else None
    width = max(len(_source(one.app, one)) for one in chosen)
    if not raw:
        width = max(width, len("systemd"))

    @cache
    def prefix(kind: str, app: str, instance: Instance | None) -> str:
        source = "systemd" if kind == "systemd" else _source(app, instance)
        return output.paint(f"{source.ljust(width)} | ", _COLOURS[kind])

    def stamp(line: Line) -> str:
        pattern = apps[line.app].app.log_date_format or default
        return f"{format_date(pattern, line.time)}: " if pattern and line.time else ""

    def formatted(line: Line) -> bytes:
        start = stamp(line)
        if not raw:
            start = prefix(line.kind, line.app, line.instance) + start
        text = line.text.replace("\n", f"\n{start}") if start else line.text
        return f"{start}{text}\n".encode(errors="surrogateescape")

    return formatted


def _source(app: str, instance: Instance | None) -> str:
    """Who printed it, as PM2 has it: the id and the name, here with the instance's number."""
    return app if instance is None else f"{instance.id}|{instance}"


def _json_line(line: Line) -> bytes:
    """A line in the shape of ``pm2 logs --json``; what systemd says is a ``process_event``."""
    at = None
    if line.time is not None:
        moment = datetime.fromtimestamp(line.time, UTC)
        at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record = {
        "message": line.text.encode(errors="surrogateescape").decode(errors="replace"),
        "timestamp": at,
        "type": "process_event" if line.kind == "systemd" else line.kind,
        "process_id": line.instance.id if line.instance else None,
        "app_name": line.app,
    }
    return json_.dumps(record, ensure_ascii=False).encode() + b"\n"
