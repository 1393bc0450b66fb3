"""The ``pm2sd`` command: a group that imports a command's module only when it runs."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from pm2sd import __version__
from pm2sd.cli.commands import BY_NAME, COMMANDS, Command
from pm2sd.cli.output import ReaderGone
from pm2sd.cli.parsing import FlagCommand, arranged
from pm2sd.errors import ExitStatus, Pm2sdError


def _load(row: Command) -> Any:
    """The parser of one command, made by Typer from its function's signature."""
    module, _, function = row.function.partition(":")
    single = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    home = import_module(f"pm2sd.cli.{module}")
    body = getattr(home, function)
    settings = {"help_option_names": ["-h", "--help"], **row.settings}
    parser = getattr(home, "COMMAND_CLASS", FlagCommand)
    single.command(row.name, cls=parser, context_settings=settings)(body)
    return typer.main.get_command(single)


def _no_command(name: str) -> Pm2sdError:
    from pm2sd.cli.elsewhere import ELSEWHERE

    if name in ELSEWHERE:
        return Pm2sdError(f"no {name} here: {ELSEWHERE[name]}", code=ExitStatus.USAGE)
    from difflib import get_close_matches

    near = get_close_matches(name, [*BY_NAME, *ELSEWHERE], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "pm2sd --help lists the commands"
    return Pm2sdError(f"there is no command {name!r}", hint=hint, code=ExitStatus.USAGE)


class LazyGroup(TyperGroup):
    """All commands by the table, none imported before it is needed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take a command's flags also where they stand before the command."""
        return super().parse_args(ctx, arranged(args))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The canonical names; aliases are found but not listed."""
        return [row.name for row in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """A command by any of its spellings."""
        row = BY_NAME.get(cmd_name)
        return _load(row) if row else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Like click's, with the nearest command for a misspelt one.

        Raises Pm2sdError, which for a command that only PM2 has says what to use instead.
        """
        if args[0] not in BY_NAME:
            raise _no_command(args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and write out all it printed.

        Raises ReaderGone, since a BrokenPipeError would be an exit status of 1 to click.
        """
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The table as help, by group, without importing a single command."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for row in COMMANDS:
            spelling = ", ".join((row.name, *row.aliases[:4]))
            groups.setdefault(row.group, []).append((spelling, row.help))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(epilog="PM2's other commands say what to use instead.")
def pm2sd(
    verbose: bool = typer.Option(
        False, "--verbose", help="Print the equivalent systemctl line for each action."
    ),
    silent: bool = typer.Option(
        False, "--silent", "-s", help="Print errors only, and what was asked for."
    ),
    system: bool = typer.Option(
        False, "--system", help="As root: work on the machine's own units, with uid and gid."
    ),
    no_color: bool = typer.Option(False, "--no-color", help="No colours."),
    version: bool = typer.Option(
        False, "--version", "-V", "-v", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Run PM2's ecosystem file on systemd: your apps as user units, no daemon."""
    # All but --version are flags of every command and stand here for --help: see parsing.arranged.
