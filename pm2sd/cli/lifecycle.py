"""``stop``, ``scale``, ``delete``, ``reset`` and ``sendSignal``; ``restart`` has its own module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Optional

import typer

from pm2sd.cli import output
from pm2sd.cli.attaching import Attach, Outcome, finish, now
from pm2sd.cli.output import emit, say, say_equivalent
from pm2sd.control.session import changing
from pm2sd.control.settle import Failure
from pm2sd.errors import ExitStatus
from pm2sd.plan.select import Instance

Selectors = Annotated[
    list[str],
    typer.Argument(
        help="Apps: a name, name@N, an id, a namespace, /regex/, all, or an ecosystem file.",
        show_default=False,
    ),
]
Only = Annotated[
    Optional[str],  # noqa: UP045 - Typer reads it at run time
    typer.Option("--only", help="With a file: only these apps, as a,b.", show_default=False),
]


def stop(selectors: Selectors, only: Only = None, attach: Attach = False) -> None:
    """Stop apps or instances; they stay known, and down over a reboot, until they are started.

    Examples:

      pm2sd stop tracking

      pm2sd stop tracking@1 /^api-/
    """
    from pm2sd.cli.applying import names_of
    from pm2sd.cli.selecting import chosen
    from pm2sd.control import lifecycle

    since = now()
    with changing(say) as here:
        apps = here.stored().apps
        instances = chosen(selectors, apps, names_of(only))
        equivalent("stop", instances)
        failures = lifecycle.stop(here, instances, apps)
        done = told("stopped", instances, failures)
    finish(done, attach=attach, since=since)


def scale(
    app: Annotated[str, typer.Argument(help="The app's name.")],
    instances: Annotated[str, typer.Argument(help="How many: 4, or +2, or -1.")],
) -> None:
    """Change the number of an app's instances; the highest go first.

    Examples:

      pm2sd scale tracking-server 4

      pm2sd scale tracking-server -1
    """
    from pm2sd.cli.applying import carry_out_and_tell
    from pm2sd.cli.plan_text import plan_lines
    from pm2sd.cli.selecting import the_app
    from pm2sd.control import lifecycle

    with changing(say) as here:
        stored = the_app(app, here.stored().apps)
        todo, wanted = lifecycle.scaled(here, stored, instances)
        for line in plan_lines(todo):
            emit(line)
        raise typer.Exit(carry_out_and_tell(here, todo, wanted))


def delete(
    selectors: Selectors,
    only: Only = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Remove units edited by hand too.")
    ] = False,
) -> None:
    """Stop apps and remove their units. Your drop-ins and log files stay.

    Examples:

      pm2sd delete tracking

      pm2sd delete all
    """
    from pm2sd.cli.applying import carry_out_and_tell, names_of
    from pm2sd.cli.plan_text import plan_lines
    from pm2sd.cli.selecting import whole_apps
    from pm2sd.control import lifecycle

    with changing(say) as here:
        names = whole_apps(selectors, here.stored().apps, names_of(only))
        todo = lifecycle.deletion(here, names, force=force)
        for line in plan_lines(todo):
            emit(line)
        raise typer.Exit(carry_out_and_tell(here, todo, []))


def reset(selectors: Selectors) -> None:
    """Set restart counters to 0, and give apps that systemd gave up on a fresh start limit.

    Examples:

      pm2sd reset all
    """
    from pm2sd.cli.selecting import chosen
    from pm2sd.systemd import restarts

    with changing(say) as here:
        instances = chosen(selectors, here.stored().apps)
        equivalent("reset-failed", instances)
        units = [one.unit for one in instances]
        here.bus.reset_failed(units)
        restarts.forget(units.__contains__)
        for one in instances:
            emit(f"reset {one}")


def send_signal(
    signal: Annotated[str, typer.Argument(help="SIGUSR2, USR2 or 12.")],
    selectors: Selectors,
) -> None:
    """Send a signal to the main process of instances; systemd takes what it does of it.

    Exits 3 if one of them does not run.

    Examples:

      pm2sd sendSignal SIGUSR2 tracking
    """
    from pm2sd.cli.selecting import chosen
    from pm2sd.control import lifecycle
    from pm2sd.control.session import session

    number = lifecycle.signal_number(signal)
    with session() as here:
        instances = chosen(selectors, here.stored().apps)
        equivalent(f"kill --kill-whom=main --signal={number.name}", instances)
        idle = lifecycle.send_signal(here, instances, number)
    for one in instances:
        if one in idle:
            say(f"{one} does not run")
        else:
            emit(f"sent {number.name} to {one}")
    raise typer.Exit(ExitStatus.NOT_RUNNING if idle else ExitStatus.OK)


def equivalent(verb: str, instances: Sequence[Instance]) -> None:
    """With ``--verbose``: the systemctl line that does the same."""
    if output.verbose:
        from shlex import quote

        say_equivalent(f"systemctl --user {verb} {' '.join(quote(one.unit) for one in instances)}")


def told(
    participle: str,
    instances: Sequence[Instance],
    failures: Sequence[Failure],
) -> Outcome:
    """Print what was done to which instances, and what failed."""
    from pm2sd.cli.failures import report
    from pm2sd.units.names import display

    unwell = {failure.unit for failure in failures}
    for one in instances:
        if one.unit not in unwell:
            emit(f"{participle} {one}")
    mild = [failure for failure in failures if failure.mild]
    for failure in mild:
        say(f"{display(failure.unit)} {failure.why}")
    grave = [failure for failure in failures if not failure.mild]
    report(grave)
    apps = sorted({one.app for one in instances})
    return Outcome(ExitStatus.FAILED if grave else ExitStatus.OK, apps)
