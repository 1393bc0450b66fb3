"""The list of instances, printed: what ``status`` and ``jlist`` share with the quick road.

Nothing here needs the command line's parser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pm2sd.cli import human, output
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.observe.known import Known
from pm2sd.observe.status import Row, rows, sort_rows
from pm2sd.plan.select import Instance, instances
from pm2sd.systemd.bus import Bus

_HEADINGS = (
    "id", "name", "instance", "namespace", "mode", "pid", "uptime", "restarts", "state", "cpu",
    "memory", "user",
)  # fmt: skip

STYLES = {
    "online": "green",
    "launching": "cyan",
    "stopping": "yellow",
    "waiting restart": "yellow",
    "waiting": "cyan",
    "idle": "cyan",
    "stopped": "grey",
    "errored": "red",
}


def print_status(
    selectors: Sequence[str] | None = None,
    *,
    sort: str = "",
    mini: bool = False,
    json: bool = False,
) -> bool:
    """Print the table, or blocks of lines, or JSON; whether all that is shown runs.

    Raises NoSuchApp, NoUserManager.
    """
    known = Known.read()
    found = _sorted(listed(known, selectors), sort)
    if json:
        output.emit_json([record(row) for row in found])
    elif not found:
        output.say("no apps yet; pm2sd start app.js or pm2sd apply ecosystem.config.js adds some")
        _tell_of_others(known)
    elif mini:
        output.emit("\n".join(_block(row) for row in found))
    else:
        output.emit(output.table(_HEADINGS, [_cells(row) for row in found]))
    for name in known.stored.leftovers:
        output.say(f"the unit files of {name!r} are incomplete; apply its ecosystem file again")
    return all(row.pid for row in found)


def _tell_of_others(known: Known) -> None:
    """Say that apps may well be there, where this shell does not look for them."""
    from pm2sd.systemd.unit_path import unread

    with Bus.open() as bus:
        problem = unread(bus, known.directory.path)
    if problem:
        output.caution(problem.message, problem.hint or "")


def print_jlist() -> None:
    """Print the list as one line of JSON, in the shape of pm2 jlist."""
    output.emit_json(as_pm2(), indent=None)


def pick(known: Known, selectors: Sequence[str] | None) -> list[Instance]:
    """The instances that the command line names; all of them if it names none."""
    if not selectors:
        return instances(known.stored.apps.values())
    from pm2sd.cli.selecting import chosen

    return chosen(selectors, known.stored.apps)


def listed(known: Known, selectors: Sequence[str] | None) -> list[Row]:
    """The rows of the instances that the command line names."""
    chosen = pick(known, selectors)
    with Bus.open() as bus:
        return rows(bus, known, chosen)


def as_pm2() -> list[dict[str, object]]:
    """All instances as pm2 jlist has them."""
    from pm2sd.observe.pm2_list import pm2_list

    known = Known.read()
    with Bus.open() as bus:
        return pm2_list(bus, known)


def _sorted(found: list[Row], sort: str) -> list[Row]:
    if not sort:
        return found
    field, _, order = sort.partition(":")
    try:
        if order not in ("", "asc", "desc"):
            raise KeyError(order)
        return sort_rows(found, field, descending=order == "desc")
    except KeyError as unknown:
        raise Pm2sdError(
            f"cannot sort by {sort!r}: there is no {unknown.args[0]!r}",
            hint=f"one of {', '.join(_HEADINGS)}, then :asc or :desc",
            code=ExitStatus.USAGE,
        ) from None


def record(row: Row) -> dict[str, object]:
    """A row as JSON has it."""
    uptime = None if row.uptime is None else round(row.uptime, 3)
    return asdict(row) | {"uptime": uptime}


def _cells(row: Row) -> list[tuple[str, str]]:
    return [
        (str(row.id), "cyan"),
        (row.name, ""),
        (str(row.instance), ""),
        (row.namespace, ""),
        (row.mode, ""),
        (str(row.pid or 0), ""),
        (human.duration(row.uptime), ""),
        _restarts(row),
        (state_text(row), "yellow" if row.flapping else STYLES.get(row.state, "")),
        (human.percent(row.cpu), ""),
        (human.size(row.memory), ""),
        (row.user, ""),
    ]


def _restarts(row: Row) -> tuple[str, str]:
    why = "oom" if row.oom and row.pid else "health" if row.unhealthy else ""
    return (f"{row.restarts} ({why})", "red") if why else (str(row.restarts), "")


def state_text(row: Row) -> str:
    """The state, with what is wrong about it."""
    wrong = "flapping" if row.flapping else "oom" if row.oom and not row.pid else ""
    return f"{row.state} ({wrong})" if wrong else row.state


def _block(row: Row) -> str:
    """An instance as lines of ``key : value``, as pm2 -m prints it."""
    cells = zip(_HEADINGS, _cells(row), strict=True)
    lines = [f"+--- {row.name}@{row.instance}"]
    lines += [f"{key} : {output.paint(text, style)}" for key, (text, style) in cells]
    return "\n".join(lines)
