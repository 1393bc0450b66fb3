"""``start``: an ecosystem file, apps that are known, or a script with PM2's flags."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from pm2sd.cli.attaching import Attach, finish, now
from pm2sd.cli.flags import OptionsCommand, after_dashes, option_flags, written

Targets = Annotated[
    Optional[list[str]],  # noqa: UP045 - Typer reads it at run time
    typer.Argument(
        help="An ecosystem file, a script, or apps already known. Default: the ecosystem file of "
        "this directory. What follows -- goes to the script.",
        show_default=False,
    ),
]


@option_flags
def start(
    ctx: typer.Context,
    targets: Targets = None,
    env: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--env", help="With a file: use the env_NAME blocks.", show_default=False),
    ] = None,
    only: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--only", help="With a file: only these apps, as a,b.", show_default=False),
    ] = None,
    attach: Attach = False,
    **given: Any,
) -> None:
    """Start an ecosystem file, a script with PM2's flags, or apps already known.

    Examples:

      pm2sd start ecosystem.config.js --env production

      pm2sd start app.js --name api -i 2 --max-memory-restart 300M -- --port 8080

      pm2sd start api
    """
    from pm2sd.cli.output import say
    from pm2sd.cli.selecting import is_file, needs_file
    from pm2sd.cli.starting import start_file, start_known, start_script

    since = now()
    options = written(given)
    after = after_dashes(ctx)
    names = targets or []
    files = not names or all(is_file(name) for name in names)
    if files:
        outcome = start_file(names, env=env, only=only, options=options, after=after)
    elif only is not None:
        raise needs_file("--only", "chooses apps")
    elif len(names) == 1 and (options or after is not None):
        outcome = start_script(names[0], options=options, after=after)
    else:
        outcome = start_known(names)
    if env is not None and not files:
        say("--env had no effect: it chooses an env_NAME block of an ecosystem file")
    finish(outcome, attach=attach, since=since)


COMMAND_CLASS = OptionsCommand
