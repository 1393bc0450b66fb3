"""status, jlist, prettylist, pid, id: what runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

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
    "stopped": "grey",
    "errored": "red",
}

Selectors = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SELECTOR]...", help="Apps, instances, ids, namespaces, /regex/."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def status(
    selectors: Selectors = None,
    sort: Annotated[
        str, typer.Option(metavar="FIELD[:asc|desc]", help="Order the rows by a column.")
    ] = "",
    mini: Annotated[
        bool, typer.Option("--mini-list", "-m", help="One block of lines for each instance.")
    ] = False,
    json: Json = False,
) -> None:
    """List apps and instances: what runs, for how long, and what it uses.

    cpu is a percentage of one CPU while this command runs; restarts are those that systemd made by
    itself; memory is that of all processes of the instance.
    """
    known = Known.read()
    found = _sorted(_rows(known, selectors), sort)
    if json:
        output.emit_json([record(row) for row in found])
    elif not found:
        output.say("no apps yet; pm2sd start app.js or pm2sd apply ecosystem.config.js adds some")
    elif mini:
        output.emit("\n".join(_block(row) for row in found))
    else:
        output.emit(output.table(_HEADINGS, [_cells(row) for row in found]))
    for name in known.stored.leftovers:
        output.say(f"the unit files of {name!r} are incomplete; apply its ecosystem file again")


def jlist() -> None:
    """Print the list as one line of JSON, in the shape of pm2 jlist."""
    output.emit_json(_pm2_list(), indent=None)


def prettylist() -> None:
    """Print the list in JavaScript's notation, as pm2 prettylist does."""
    from pm2sd.cli.inspect import inspect

    output.emit(inspect(_pm2_list()))


def pid(selectors: Selectors = None, json: Json = False) -> None:
    """Print process ids, one on a line; 0 for an instance that does not run."""
    found = [row.pid or 0 for row in _rows(Known.read(), selectors)]
    _print_numbers(found, json=json)


def ids(
    selectors: Annotated[list[str], typer.Argument(metavar="SELECTOR...", help="Apps.")],
    json: Json = False,
) -> None:
    """Print the ids of an app's instances, one on a line."""
    _print_numbers([one.id for one in pick(Known.read(), selectors)], json=json)


def pick(known: Known, selectors: Sequence[str] | None) -> list[Instance]:
    """The instances that the command line names; all of them if it names none."""
    if not selectors:
        return instances(known.stored.apps.values())
    from pm2sd.cli.selecting import chosen

    return chosen(selectors, known.stored.apps)


def _rows(known: Known, selectors: Sequence[str] | None) -> list[Row]:
    chosen = pick(known, selectors)
    with Bus.open() as bus:
        return rows(bus, known, chosen)


def _pm2_list() -> list[dict[str, object]]:
    from pm2sd.observe.pm2_list import pm2_list

    known = Known.read()
    with Bus.open() as bus:
        return pm2_list(bus, known)


def _print_numbers(numbers: Sequence[int], *, json: bool) -> None:
    if json:
        output.emit_json(numbers, indent=None)
    elif numbers:
        output.emit("\n".join(map(str, numbers)))


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
        (str(row.restarts), ""),
        (row.state, STYLES.get(row.state, "")),
        (human.percent(row.cpu), ""),
        (human.size(row.memory), ""),
        (row.user, ""),
    ]


def _block(row: Row) -> str:
    """An instance as lines of ``key : value``, as pm2 -m prints it."""
    cells = zip(_HEADINGS, _cells(row), strict=True)
    lines = [f"+--- {row.name}@{row.instance}"]
    lines += [f"{key} : {output.paint(text, style)}" for key, (text, style) in cells]
    return "\n".join(lines)
