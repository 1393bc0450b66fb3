"""``restart`` and ``reload``, with PM2's flags."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from pm2sd.cli.attaching import Attach, Outcome, finish, now
from pm2sd.cli.flags import OptionsCommand, after_dashes, option_flags, written
from pm2sd.cli.lifecycle import Only, Selectors, equivalent, told
from pm2sd.cli.output import say, warn
from pm2sd.control.session import Session, changing
from pm2sd.errors import ExitStatus

Env = Annotated[
    Optional[str],  # noqa: UP045 - Typer reads it at run time
    typer.Option("--env", help="With a file: use the env_NAME blocks.", show_default=False),
]
UpdateEnv = Annotated[
    bool,
    typer.Option(
        "--update-env",
        "-a",
        help="Take the variables of this shell anew (PATH, and those in inherit_env).",
    ),
]


@option_flags
def restart(
    ctx: typer.Context,
    selectors: Selectors,
    env: Env = None,
    only: Only = None,
    update_env: UpdateEnv = False,
    attach: Attach = False,
    **given: Any,
) -> None:
    """Stop and start apps or instances at once; a file is applied first.

    Apps that were started without a file take new options.

    Examples:

      pm2sd restart tracking

      pm2sd restart all

      pm2sd restart api --max-memory-restart 200M -- --port 8081
    """
    _again(ctx, selectors, env, only, update_env, attach, given, rolling=False)


@option_flags
def reload(
    ctx: typer.Context,
    selectors: Selectors,
    env: Env = None,
    only: Only = None,
    update_env: UpdateEnv = False,
    parallel: Annotated[
        int,
        typer.Option("--parallel", min=1, help="Restart so many instances of an app at a time."),
    ] = 1,
    attach: Attach = False,
    **given: Any,
) -> None:
    """Restart one instance after the other, each ready before the next.

    Where the instances share a socket, an extra one has to come up first: if the app does not
    start any more, no instance is touched. Otherwise the first instance that does not come up ends
    it, and the others keep serving. Either way the exit status is 1.

    Examples:

      pm2sd reload tracking-server

      pm2sd reload tracking-server --parallel 2
    """
    _again(ctx, selectors, env, only, update_env, attach, given, rolling=True, parallel=parallel)


def _again(
    ctx: typer.Context,
    selectors: list[str],
    env: str | None,
    only: str | None,
    update_env: bool,
    attach: bool,
    given: dict[str, Any],
    *,
    rolling: bool,
    parallel: int = 1,
) -> None:
    from pm2sd.cli.applying import names_of
    from pm2sd.cli.restarting import Change, rebuild
    from pm2sd.cli.selecting import apply_files
    from pm2sd.cli.starting import refuse_options

    since = now()
    change = Change(written(given), after_dashes(ctx), update_env)
    applied = apply_files(selectors, env, only)
    if applied is not None:
        refuse_options(change.options, change.after)
        change = Change({})
    with changing(say) as here:
        started = applied or frozenset()
        names = selectors
        if change:
            outcome, started = rebuild(here, selectors, change, rolling=rolling)
            if outcome.status is not ExitStatus.OK:
                finish(outcome, attach=attach, since=since)
            names = list(outcome.apps)
        done = _restart(
            here, names, names_of(only), env, started, rolling=rolling, parallel=parallel
        )
    finish(done, attach=attach, since=since)


def _restart(
    here: Session,
    selectors: list[str],
    only: list[str],
    env: str | None,
    started: frozenset[str],
    *,
    rolling: bool,
    parallel: int,
) -> Outcome:
    """Restart what is named and was not ``started`` just now."""
    from pm2sd.cli.selecting import chosen
    from pm2sd.control import lifecycle
    from pm2sd.control.reload import reload as reload_instances

    apps = here.stored().apps
    instances = chosen(selectors, apps, only, env)
    rest = [one for one in instances if one.unit not in started]
    equivalent("restart", rest)
    if not rolling:
        return told("restarted", instances, lifecycle.restart(here, rest, apps))
    try:
        done = reload_instances(here, rest, apps, parallel=parallel)
    except KeyboardInterrupt:
        warn("interrupted: what was not restarted yet serves as before; reload again for the rest")
        raise
    well = {*started, *done.restarted}
    return told("reloaded", [one for one in instances if one.unit in well], done.failures)


COMMAND_CLASS = OptionsCommand
