"""``import`` and ``migrate``: moving over from PM2."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from pm2sd.cli.output import complain, emit, say
from pm2sd.errors import ExitStatus, InvalidConfig, Pm2sdError

if TYPE_CHECKING:
    from pm2sd.control.importing import Imported
    from pm2sd.moving.processes import Process

Output = Annotated[
    Path, typer.Option("--output", "-o", help="The ecosystem file to write; - for standard output.")
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace the file if it exists.")]


def import_(
    file: Annotated[
        Optional[str],  # noqa: UP045 - Typer reads it at run time
        typer.Argument(
            help="PM2's dump, or the output of pm2 jlist or pm2 prettylist; - for standard input. "
            "Default: ~/.pm2/dump.pm2.",
            show_default=False,
        ),
    ] = None,
    output: Output = Path("ecosystem.yaml"),
    live: Annotated[
        bool, typer.Option("--live", help="Ask the PM2 that runs here instead of reading a file.")
    ] = False,
    force: Force = False,
) -> None:
    """Write an ecosystem file for what PM2 runs. Nothing is started or stopped.

    Options at their defaults, PM2's bookkeeping and the environment of the shell that called pm2
    are left out; what looks like a secret goes to files of mode 0600 beside it (env_file).
    Exits 5 if the file would not apply yet, and says why.

    Examples:

      pm2sd import                          what pm2 save wrote

      pm2sd import --live -o ecosystem.yaml

      ssh old-server pm2 jlist | pm2sd import -
    """
    from pm2sd.control.importing import imported, write

    to_stdout = str(output) == "-"
    found = imported(*_processes(file, live=live), None if to_stdout else output.parent)
    if to_stdout:
        emit(found.text.rstrip("\n"))
        return
    write(output, found, force=force)
    _tell(found, output)
    raise typer.Exit(_check(output))


def _processes(file: str | None, *, live: bool) -> tuple[tuple[Process, ...], str]:
    """PM2's processes, and what they come from."""
    from pm2sd.control.pm2 import dump_file, running_pm2
    from pm2sd.moving.processes import read_processes

    if live:
        if file is not None:
            raise Pm2sdError("--live asks PM2 itself; a file is not needed", code=ExitStatus.USAGE)
        return running_pm2().processes(), "the running PM2"
    if file == "-":
        text = sys.stdin.buffer.read().decode(errors="replace")
        return read_processes(text, "<stdin>"), "PM2's list"
    path = Path(file) if file else dump_file()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        hint = "pm2 save writes it; or ask the running PM2 with --live" if not file else None
        raise Pm2sdError(f"cannot read {path}: {error.strerror}", hint=hint) from error
    return read_processes(text, str(path)), str(path)


def _tell(found: Imported, path: Path) -> None:
    names = ", ".join(app.name for app in found.apps)
    private = " (only you may read it: it holds secrets)" if found.is_secret else ""
    emit(f"wrote {path}{private}: {names}")
    for below in found.secrets:
        emit(f"wrote {path.parent / below}: secrets, which only you may read")
    for module in found.modules:
        say(f"left out: {module}, a module of PM2's")
    for app in found.apps:
        for remark in app.remarks:
            say(f"{app.name}: {remark}")
    say(f"look it over, then: pm2sd diff {path}, pm2sd migrate {path}")


def _check(path: Path) -> ExitStatus:
    """Whether the file would apply, with what is in the way."""
    from pm2sd.control.configuration import load

    try:
        load(str(path))
    except InvalidConfig as invalid:
        say(f"{path} would not apply yet:")
        complain(invalid.problems())
        return ExitStatus.INVALID_CONFIG
    return ExitStatus.OK


def migrate(
    file: Annotated[
        Path,
        typer.Argument(
            help="The ecosystem file; it is written, as import --live does, if missing."
        ),
    ] = Path("ecosystem.yaml"),
    only: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--only", help="Only these apps, as a,b.", show_default=False),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Move the apps that PM2 runs to systemd, one after the other.

    Each is stopped under PM2, started under systemd and looked at: it must stay up, and answer on
    the ports it listened on. One that does not goes back to PM2. Interrupted, every app runs in
    exactly one of the two; run it again to go on. Exits 1 if an app had to go back.

    Examples:

      pm2sd migrate --dry-run

      pm2sd migrate --only api,worker

      pm2sd import --live && $EDITOR ecosystem.yaml && pm2sd migrate
    """
    from pm2sd.cli.migrating import run

    raise typer.Exit(run(file, only=only, dry_run=dry_run, yes=yes))
