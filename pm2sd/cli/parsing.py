"""How a command line is read: flags that PM2 takes anywhere, and slips of a flag's name."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from typer.core import TyperCommand

from pm2sd.cli import output
from pm2sd.cli.anywhere import ANYWHERE, Anywhere, Effect
from pm2sd.cli.commands import BY_NAME
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.systemd import scope


def split_at_dashes(args: Sequence[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """What stands before ``--`` and what after it; None where there is no ``--``."""
    if "--" not in args:
        return list(args), None
    at = list(args).index("--")
    return list(args[:at]), tuple(args[at + 1 :])


class FlagCommand(TyperCommand):
    """A command that also knows the flags of ``anywhere.ANYWHERE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Deal with the flags that this command does not have; leave the others to it.

        Raises Pm2sdError for a flag that nobody knows, with the nearest one.
        """
        before, after = split_at_dashes(args)
        rest = list(self._own(ctx, before))
        return super().parse_args(ctx, rest if after is None else [*rest, "--", *after])

    def _own(self, ctx: Any, words: Sequence[str]) -> Iterator[str]:
        flags = {flag: option for option in self.get_params(ctx) for flag in _flags_of(option)}
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if not word.startswith("-") or word == "-":
                yield word
            elif name in flags:
                yield word
                if name == word and _takes_next(flags[name]) and at < len(words):
                    yield words[at]
                    at += 1
            elif (row := _anywhere(name, ctx.info_name)) is not None:
                at += row.takes_value and name == word
                _answer(row, name, ctx.info_name)
            elif ctx.ignore_unknown_options:
                yield word
            else:
                raise _unknown(name, ctx.info_name, flags)


def _flags_of(option: Any) -> list[str]:
    if option.param_type_name != "option":
        return []
    return [*option.opts, *option.secondary_opts]


def _takes_next(option: Any) -> bool:
    return not option.is_flag


def _anywhere(flag: str, command: str) -> Anywhere | None:
    """The row that is about this command; a row for all commands comes last."""
    canonical = BY_NAME[command].name
    rows = ANYWHERE.get(flag, ())
    return next((row for row in rows if not row.commands or canonical in row.commands), None)


def _answer(row: Anywhere, flag: str, command: str) -> None:
    if row.effect is Effect.REFUSED:
        raise Pm2sdError(f"{flag}: {row.text}", code=ExitStatus.USAGE)
    if row.effect is Effect.REMARK:
        output.say(f"{flag} has no effect here: {row.text}")
    elif row.effect is Effect.SILENT:
        output.hush(results=BY_NAME[command].tells)
    elif row.effect is Effect.SYSTEM:
        _choose_system()
    elif row.effect is Effect.NO_COLOUR:
        output.colourless = True
    else:
        output.verbose = True


def _choose_system() -> None:
    """Raises Pm2sdError for users who may not change the machine's units, nor read ours there."""
    if os.geteuid() != 0:
        raise Pm2sdError(
            "--system works on the machine's own units, which only root may see and change",
            hint=f"sudo {shlex.join(['pm2sd', *sys.argv[1:]])}",
        )
    scope.system = True


def _unknown(flag: str, command: str, flags: Iterable[str]) -> Pm2sdError:
    from pm2sd.ecosystem.options import FLAGS
    from pm2sd.ecosystem.options.nearest import nearest_of

    if flag in FLAGS:
        hint = f"{FLAGS[flag][0].name} is an option of an app: start, restart and reload take it"
    elif near := nearest_of(flag, [*flags, *ANYWHERE]):
        hint = f"did you mean {near}?"
    else:
        hint = f"pm2sd {command} --help shows the flags there are"
    return Pm2sdError(f"{command} has no flag {flag}", hint=hint, code=ExitStatus.USAGE)


_BEFORE_COMMANDS = frozenset({"--version", "-V", "-v", "--help", "-h"})


def arranged(args: Sequence[str]) -> list[str]:
    """The words with the flags that stand before the command put after it, as PM2 allows.

    ``help`` and ``help COMMAND`` are ``--help`` and ``COMMAND --help``.
    """
    head: list[str] = []
    moved: list[str] = []
    at = 0
    while at < len(args) and args[at].startswith("-") and args[at] != "--":
        word = args[at]
        at += 1
        if word in _BEFORE_COMMANDS:
            head.append(word)
            continue
        moved.append(word)
        if _takes_value(word) and at < len(args):
            moved.append(args[at])
            at += 1
    if at == len(args):
        return [*head, *moved]
    if args[at] == "help":
        return [*head, *args[at + 1 : at + 2], "--help"]
    return [*head, args[at], *moved, *args[at + 1 :]]


def _takes_value(word: str) -> bool:
    if word in ANYWHERE:
        return ANYWHERE[word][0].takes_value
    from pm2sd.ecosystem.options import FLAGS

    return word in ("--env", "--only") or (
        word in FLAGS and FLAGS[word][1].takes in ("one", "many")
    )
