"""``apply`` and ``diff``."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from pm2sd.errors import ExitStatus

File = Annotated[
    Optional[str],  # noqa: UP045 - Typer reads it at run time
    typer.Argument(
        help="The ecosystem file; - for standard input. Default: the one in this directory.",
        show_default=False,
    ),
]
Env = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--env", help="Use the env_NAME blocks of the apps.", show_default=False),
]
Only = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--only", help="Only these apps, as a,b.", show_default=False),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Remove apps that came from this file and left it.")
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite units edited by hand.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse options that are carried only approximately.")
]
TargetSystemd = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--target-systemd",
        metavar="N",
        help="Make units for a machine with systemd N, such as 257.",
        show_default=False,
    ),
]


def apply(
    file: File = None,
    env: Env = None,
    only: Only = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and change nothing.")
    ] = False,
    prune: Prune = False,
    force: Force = False,
    strict: Strict = False,
    target_systemd: TargetSystemd = None,
) -> None:
    """Make systemd run what the ecosystem file says.

    Prints the plan, carries it out, waits until everything is up. What is as it should be is left
    alone: applying the same file twice changes nothing. Exits 1 if an app does not stay up, be it
    started now or before.

    Examples:

      pm2sd apply                                 the file of this directory

      pm2sd apply ecosystem.yaml --env production

      pm2sd apply --dry-run                       only show what would happen
    """
    from pm2sd.cli.applying import apply_file

    done = apply_file(
        file,
        env=env,
        only=only,
        dry_run=dry_run,
        prune=prune,
        force=force,
        strict=strict,
        systemd=target_systemd,
    )
    raise typer.Exit(done.status)


def diff(
    file: File = None,
    env: Env = None,
    only: Only = None,
    prune: Prune = False,
    target_systemd: TargetSystemd = None,
    json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Show what apply would change: the plan, and the units' old and new text.

    Exits 0 if nothing would change, 1 if something would, like diff itself.
    """
    from pm2sd.cli.applying import planned
    from pm2sd.cli.output import emit, emit_json
    from pm2sd.cli.plan_text import plan_json, plan_lines, unit_diff

    todo = planned(file, env=env, only=only, prune=prune, systemd=target_systemd)
    if json:
        emit_json(plan_json(todo))
    else:
        for line in (*unit_diff(todo), *plan_lines(todo)):
            emit(line)
    raise typer.Exit(ExitStatus.OK if todo.is_empty() else ExitStatus.FAILED)
