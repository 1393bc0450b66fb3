"""A plan as people and programs read it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from pm2sd.cli.output import paint
from pm2sd.notes import Fidelity, Note
from pm2sd.plan.plan import Action, AppChange, Plan
from pm2sd.units.names import display

_MARKS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.START: (">", "green"),
    Action.KEEP: ("=", "grey"),
    Action.REMOVE: ("-", "red"),
    Action.ORPHAN: ("?", "yellow"),
}


def plan_lines(todo: Plan) -> list[str]:
    """One line for each app: what happens to it, why, and which instances it disturbs."""
    width = max((len(change.name) for change in todo.changes), default=0)
    return [_line(change, width) for change in todo.changes]


def _line(change: AppChange, width: int) -> str:
    mark, style = _MARKS[change.action]
    parts = []
    if change.action is Action.ORPHAN:
        parts.append("left alone; --prune removes it")
    if change.reasons:
        parts.append(", ".join(change.reasons))
    for verb in ("start", "restart", "stop"):
        units = getattr(change, verb)
        if units:
            parts.append(f"{verb} {', '.join(map(display, units))}")
    text = f"{mark} {change.name.ljust(width)}  {change.action}"
    return paint(f"{text}: {'; '.join(parts)}" if parts else text, style, sys.stdout)


def unit_diff(todo: Plan) -> Iterator[str]:
    """The files that change, as a unified diff; secrets' values are not shown."""
    for path in sorted({*todo.write, *todo.remove}):
        if path.endswith(".env"):
            yield paint(f"secrets in {path} change", "yellow")
            continue
        old, new = todo.before.get(path), todo.write.get(path)
        lines = difflib.unified_diff(
            _shown(old),
            _shown(new),
            "/dev/null" if old is None else path,
            "/dev/null" if new is None else path,
            lineterm="",
        )
        for line in lines:
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[0], "")
            yield paint(line, style)


def _shown(text: str | None) -> list[str]:
    """The lines of a unit that mean something to systemd: without our record of the app."""
    before, _, record = (text or "").partition("\n[X-Pm2sd]")
    _, header, after = record.partition("\n[")  # what somebody wrote behind it counts
    return f"{before}{header}{after}".splitlines()


def plan_json(todo: Plan) -> dict[str, Any]:
    """The plan as data."""
    return {
        "changes": [
            {
                "app": change.name,
                "action": change.action.name.lower(),
                "reasons": list(change.reasons),
                "start": [display(unit) for unit in change.start],
                "restart": [display(unit) for unit in change.restart],
                "stop": [display(unit) for unit in change.stop],
            }
            for change in todo.changes
        ],
        "write": sorted(todo.write),
        "remove": sorted(todo.remove),
        "daemon_reload": todo.reload,
    }


def note_lines(noted: Iterable[tuple[str, Iterable[Note]]]) -> Iterator[str]:
    """What users should know of their apps' translation: all but what is carried exactly.

    ``noted`` are apps with their notes. What is to be said of several options, or apps, in the same
    words is said once.
    """
    options: dict[tuple[str, Fidelity, str], list[str]] = {}
    for app, notes in noted:
        for note in notes:
            if note.fidelity is not Fidelity.EXACT:
                options.setdefault((app, note.fidelity, note.text), []).append(note.option)
    apps: dict[tuple[tuple[str, ...], Fidelity, str], list[str]] = {}
    for (app, fidelity, text), written in options.items():
        apps.setdefault((tuple(written), fidelity, text), []).append(app)
    for (found, fidelity, text), names in apps.items():
        style = "yellow" if fidelity is not Fidelity.NO_EFFECT else "grey"
        head = paint(f"note: {', '.join(names)}: {', '.join(found)}", style, sys.stderr)
        yield f"{head} ({fidelity}): {text}"


def equivalents(todo: Plan) -> Iterator[str]:
    """The plan in systemctl's words."""
    if todo.stop:
        yield _systemctl("stop", todo.stop)
    if todo.disable:
        yield _systemctl("disable", todo.disable)
    if todo.reload:
        yield _systemctl("daemon-reload", ())
    if todo.enable:
        yield _systemctl("enable", todo.enable)
    if todo.start or todo.restart:
        yield _systemctl("reset-failed", (*todo.start, *todo.restart))
    if todo.start:
        yield _systemctl("start", todo.start)
    if todo.restart:
        yield _systemctl("restart", todo.restart)


def _systemctl(verb: str, units: Iterable[str]) -> str:
    from shlex import quote

    return " ".join(["systemctl --user", verb, *map(quote, units)])
