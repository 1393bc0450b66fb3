"""``start``: an ecosystem file, apps that are known, or a script with PM2's flags."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Optional

import typer
from typer.core import TyperCommand

from pm2sd.ecosystem.options import FLAGS, Flag, Option

_AFTER_DASHES = "pm2sd.after_dashes"

Targets = Annotated[
    Optional[list[str]],  # noqa: UP045 - Typer reads it at run time
    typer.Argument(
        help="An ecosystem file, a script, or apps already known. Default: the ecosystem file of "
        "this directory. What follows -- goes to the script.",
        show_default=False,
    ),
]


class StartCommand(TyperCommand):
    """A command whose flags may take an optional value, and whose script takes arguments."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set what follows ``--`` aside, and write ``--watch`` without a value as ``--watch=``."""
        before, dashes, after = _split(args)
        ctx.meta[_AFTER_DASHES] = tuple(after) if dashes else None
        return super().parse_args(ctx, with_empty_values(before))


def _split(args: Sequence[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in args:
        return list(args), False, []
    at = list(args).index("--")
    return list(args[:at]), True, list(args[at + 1 :])


def with_empty_values(args: Sequence[str]) -> list[str]:
    """The arguments, with ``=`` after each flag that may take a value and is given none."""
    optional = {name for name, (_, flag) in FLAGS.items() if flag.takes == "optional"}
    done = []
    for at, argument in enumerate(args):
        follower = args[at + 1] if at + 1 < len(args) else "-"
        bare = argument in optional and follower.startswith("-")
        done.append(f"{_long(argument)}=" if bare else argument)
    return done


def _long(spelling: str) -> str:
    _, flag = FLAGS[spelling]
    return next(name for name in flag.spellings if name.startswith("--"))


def _flags() -> dict[str, tuple[Option, Flag]]:
    """Every flag of the options table once, by the parameter's name."""
    return {f"flag{number}": row for number, row in enumerate(dict.fromkeys(FLAGS.values()))}


_PARAMETERS = _flags()


def _parameter(name: str, option: Option, flag: Flag) -> inspect.Parameter:
    text = f"{option.name}: {option.doc}"
    if flag.takes == "nothing":
        default, kind = typer.Option(False, *flag.spellings, help=text), bool
    elif flag.takes == "many":
        default = typer.Option(None, *flag.spellings, help=text, show_default=False)
        kind = Optional[list[str]]  # type: ignore[assignment] # noqa: UP045
    else:
        default = typer.Option(None, *flag.spellings, help=text, show_default=False)
        kind = Optional[str]  # type: ignore[assignment] # noqa: UP045
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


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
    **given: Any,
) -> None:
    """Start an ecosystem file, a script with PM2's flags, or apps already known.

    Examples:

      pm2sd start ecosystem.config.js --env production

      pm2sd start app.js --name api -i 2 --max-memory-restart 300M -- --port 8080

      pm2sd start api
    """
    from pm2sd.cli.selecting import is_file
    from pm2sd.cli.starting import start_file, start_known, start_script

    options = written(given)
    after = ctx.meta.get(_AFTER_DASHES)
    names = targets or []
    if not names or all(is_file(name) for name in names):
        status = start_file(names, env=env, only=only, options=options, after=after)
    elif len(names) == 1 and (options or after is not None):
        status = start_script(names[0], options=options, arguments=after or ())
    else:
        status = start_known(names)
    raise typer.Exit(status)


def written(given: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """The flags that were given: option name -> the flag's spelling and its value."""
    options: dict[str, tuple[str, Any]] = {}
    for name, value in given.items():
        if value is None or value is False or value == []:
            continue
        option, flag = _PARAMETERS[name]
        options[option.name] = (flag.spellings[0], _value(flag, value))
    return options


def _value(flag: Flag, value: Any) -> Any:
    if flag.takes == "nothing" or value == "":
        return flag.constant
    if flag.unit and isinstance(value, str) and value.isdecimal():
        return value + flag.unit
    return value


_signature = inspect.signature(start, eval_str=True)
start.__signature__ = _signature.replace(  # type: ignore[attr-defined]
    parameters=[
        *(p for p in _signature.parameters.values() if p.kind is not p.VAR_KEYWORD),
        *(_parameter(name, *row) for name, row in _PARAMETERS.items()),
    ]
)
start.__annotations__.update(
    {name: _parameter(name, *row).annotation for name, row in _PARAMETERS.items()}
)
COMMAND_CLASS = StartCommand
