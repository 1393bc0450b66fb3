"""``--attach``: after a command, what its apps print from the command's beginning on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import typer

from pm2sd.errors import ExitStatus

Attach = Annotated[bool, typer.Option("--attach", help="Then show what the apps print.")]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, the names of the apps it was about, and which units it has started."""

    status: ExitStatus
    apps: Sequence[str]
    started: frozenset[str] = frozenset()


def now() -> float:
    """The time from which ``finish`` shows logs, in seconds since 1970."""
    return time.time()


def finish(outcome: Outcome, *, attach: bool, since: float) -> None:
    """End the command; with ``attach`` after Ctrl-C ended the logs of its apps since a time.

    They are shown after a failure too: they say why. Raises typer.Exit.
    """
    if attach and outcome.apps:
        from pm2sd.cli.logs import logs

        with suppress(KeyboardInterrupt):
            logs(list(outcome.apps), since=f"@{since:.6f}")
    raise typer.Exit(outcome.status)
