"""status, jlist, prettylist, pid, id: what runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from pm2sd.cli import listing, output
from pm2sd.errors import ExitStatus
from pm2sd.observe.known import Known

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

    cpu is a percentage of one CPU while this command runs; restarts are all since the last
    reset, those by hand too; memory is that of all processes of the instance.

    With a selector, exits 3 if one of the instances does not run, as systemctl status does.
    """
    if not listing.print_status(selectors, sort=sort, mini=mini, json=json) and selectors:
        raise typer.Exit(ExitStatus.NOT_RUNNING)


def jlist() -> None:
    """Print the list as one line of JSON, in the shape of pm2 jlist."""
    listing.print_jlist()


def prettylist() -> None:
    """Print the list in JavaScript's notation, as pm2 prettylist does."""
    from pm2sd.cli.inspect import inspect

    output.emit(inspect(listing.as_pm2()))


def pid(selectors: Selectors = None, json: Json = False) -> None:
    """Print process ids, one on a line; 0 for an instance that does not run."""
    found = [row.pid or 0 for row in listing.listed(Known.read(), selectors)]
    _print_numbers(found, json=json)


def ids(
    selectors: Annotated[list[str], typer.Argument(metavar="SELECTOR...", help="Apps.")],
    json: Json = False,
) -> None:
    """Print the ids of an app's instances, one on a line."""
    _print_numbers([one.id for one in listing.pick(Known.read(), selectors)], json=json)


def _print_numbers(numbers: Sequence[int], *, json: bool) -> None:
    if json:
        output.emit_json(numbers, indent=None)
    elif numbers:
        output.emit("\n".join(map(str, numbers)))
