"""The flags of PM2's command line that stand for options of an app, as a command's parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, TypeVar

import typer

from pm2sd.cli.parsing import FlagCommand, split_at_dashes
from pm2sd.ecosystem.options import FLAGS, Flag, Option

C = TypeVar("C", bound=Callable[..., None])

_AFTER_DASHES = "pm2sd.after_dashes"

# Every flag of the options table once, by the parameter's name.
_PARAMETERS: Mapping[str, tuple[Option, Flag]] = {
    f"flag{number}": row for number, row in enumerate(dict.fromkeys(FLAGS.values()))
}


class OptionsCommand(FlagCommand):
    """A command whose flags may take an optional value, and whose script takes arguments."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set what follows ``--`` aside, and write ``--watch`` without a value as ``--watch=``."""
        before, after = split_at_dashes(args)
        ctx.meta[_AFTER_DASHES] = after
        return super().parse_args(ctx, with_empty_values(before))


def after_dashes(ctx: typer.Context) -> tuple[str, ...] | None:
    """The words after ``--``; None where there is none."""
    after: tuple[str, ...] | None = ctx.meta.get(_AFTER_DASHES)
    return after


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


def option_flags(function: C) -> C:
    """Give a command, in place of its ``**given``, a parameter for each flag of the table."""
    signature = inspect.signature(function, eval_str=True)
    ours = [_parameter(name, *row) for name, row in _PARAMETERS.items()]
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            *(p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD),
            *ours,
        ]
    )
    function.__annotations__.update({p.name: p.annotation for p in ours})
    return function


def _parameter(name: str, option: Option, flag: Flag) -> inspect.Parameter:
    text = flag.help or f"{option.name}: {option.doc}"
    if flag.takes == "nothing":
        default, kind = typer.Option(False, *flag.spellings, help=text), bool
    elif flag.takes == "many":
        default = typer.Option(None, *flag.spellings, help=text, show_default=False)
        kind = Optional[list[str]]  # type: ignore[assignment] # noqa: UP045
    else:
        default = typer.Option(None, *flag.spellings, help=text, show_default=False)
        kind = Optional[str]  # type: ignore[assignment] # noqa: UP045
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


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
