"""``stop``, ``restart``, ``reload``, ``scale`` and ``delete``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Optional

import typer

from pm2sd.cli import output
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
Env = Annotated[
    Optional[str],  # noqa: UP045 - Typer reads it at run time
    typer.Option("--env", help="With a file: use the env_NAME blocks.", show_default=False),
]


def stop(selectors: Selectors) -> None:
    """Stop apps or instances; they stay known, and start again with start or at boot.

    Examples:

      pm2sd stop tracking

      pm2sd stop tracking@1 /^api-/
    """
    from pm2sd.cli.applying import waiting
    from pm2sd.cli.selecting import chosen
    from pm2sd.control import lifecycle

    with changing(waiting) as here:
        apps = here.stored().apps
        instances = chosen(selectors, apps)
        _equivalent("stop", instances)
        failures = lifecycle.stop(here, instances, apps)
        _finish("stopped", instances, failures, fatal=lambda f: "was killed" not in f.why)


def restart(selectors: Selectors, env: Env = None) -> None:
    """Stop and start apps or instances at once; a file is applied first.

    Examples:

      pm2sd restart tracking

      pm2sd restart all
    """
    from pm2sd.cli.applying import waiting
    from pm2sd.cli.selecting import apply_files, chosen
    from pm2sd.control import lifecycle

    apply_files(selectors, env)
    with changing(waiting) as here:
        apps = here.stored().apps
        instances = chosen(selectors, apps)
        _equivalent("restart", instances)
        _finish("restarted", instances, lifecycle.restart(here, instances, apps))


def reload(selectors: Selectors, env: Env = None) -> None:
    """Restart one instance after the other, each ready before the next.

    Stops at the first instance that does not come up: the others keep serving, and the exit
    status is 1.

    Examples:

      pm2sd reload tracking-server
    """
    from pm2sd.cli.applying import waiting
    from pm2sd.cli.selecting import apply_files, chosen
    from pm2sd.control import lifecycle

    apply_files(selectors, env)
    with changing(waiting) as here:
        instances = chosen(selectors, here.stored().apps)
        _equivalent("restart", instances)
        done: list[Instance] = []
        failures = lifecycle.reload(here, instances, done.append)
        _finish("reloaded", done, failures)


def scale(
    app: Annotated[str, typer.Argument(help="The app's name.")],
    instances: Annotated[str, typer.Argument(help="How many: 4, or +2, or -1.")],
) -> None:
    """Change the number of an app's instances; the highest go first.

    Examples:

      pm2sd scale tracking-server 4

      pm2sd scale tracking-server -1
    """
    from pm2sd.cli.applying import carry_out_and_tell, waiting
    from pm2sd.cli.plan_text import plan_lines
    from pm2sd.cli.selecting import the_app
    from pm2sd.control import lifecycle

    with changing(waiting) as here:
        stored = the_app(app, here.stored().apps)
        todo, wanted = lifecycle.scaled(here, stored, instances)
        for line in plan_lines(todo):
            emit(line)
        raise typer.Exit(carry_out_and_tell(here, todo, wanted))


def delete(
    selectors: Selectors,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Remove units edited by hand too.")
    ] = False,
) -> None:
    """Stop apps and remove their units. Your drop-ins and log files stay.

    Examples:

      pm2sd delete tracking

      pm2sd delete all
    """
    from pm2sd.cli.applying import carry_out_and_tell, waiting
    from pm2sd.cli.plan_text import plan_lines
    from pm2sd.cli.selecting import whole_apps
    from pm2sd.control import lifecycle

    with changing(waiting) as here:
        todo = lifecycle.deletion(here, whole_apps(selectors, here.stored().apps), force=force)
        for line in plan_lines(todo):
            emit(line)
        raise typer.Exit(carry_out_and_tell(here, todo, []))


def _equivalent(verb: str, instances: Sequence[Instance]) -> None:
    if output.verbose:
        from shlex import quote

        say_equivalent(f"systemctl --user {verb} {' '.join(quote(one.unit) for one in instances)}")


def _finish(
    participle: str,
    instances: Sequence[Instance],
    failures: Sequence[Failure],
    fatal: Callable[[Failure], bool] = lambda _: True,
) -> None:
    from pm2sd.cli.failures import report

    unwell = {failure.unit for failure in failures}
    for one in instances:
        if one.unit not in unwell:
            emit(f"{participle} {one}")
    mild = [failure for failure in failures if not fatal(failure)]
    for failure in mild:
        say(f"{failure.unit} {failure.why}")
    grave = [failure for failure in failures if fatal(failure)]
    report(grave)
    raise typer.Exit(ExitStatus.FAILED if grave else ExitStatus.OK)
