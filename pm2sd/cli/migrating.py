"""What ``migrate`` does: tell the plan, move app by app, tell how it went and what is left."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import typer

from pm2sd.cli.applying import names_of
from pm2sd.cli.failures import report
from pm2sd.cli.output import emit, paint, say
from pm2sd.cli.plan_text import note_lines
from pm2sd.control import migration
from pm2sd.control.configuration import load
from pm2sd.control.importing import imported, write
from pm2sd.control.migration import Ended, Move, Step
from pm2sd.control.pm2 import running_pm2
from pm2sd.control.retiring import advice, keep_stopped
from pm2sd.control.session import changing, session
from pm2sd.control.settle import Failure
from pm2sd.errors import ExitStatus, NoSuchApp, Pm2sdError
from pm2sd.moving.apps import Moved
from pm2sd.moving.processes import Process
from pm2sd.units.names import parse_instance

_WORK = (Step.MOVE, Step.WRITE)
_IN_THE_WAY = (Step.TWICE, Step.FOREIGN)


def run(file: Path, *, only: str | None, dry_run: bool, yes: bool) -> ExitStatus:
    """Move PM2's apps; what ``file`` says about them counts, if it exists."""
    pm2 = running_pm2()
    processes = pm2.processes()
    with ExitStack() as around:
        apps, path = _ecosystem(processes, file, around, dry_run=dry_run)
        chosen = _chosen(apps, names_of(only))
        wanted = {one.app.name: one for one in load(str(path)).wanted}
    with session() as here:
        todo = migration.moves(here, chosen, wanted, migration.under_way())
    for move in todo:
        _tell(move)
    if dry_run:
        return ExitStatus.OK
    work = [move for move in todo if move.step in _WORK]
    if work and not yes:
        _ask(len(work))
    failed = any(move.step in _IN_THE_WAY for move in todo)
    with changing(say) as here:
        # Another pm2sd may have been at work until now.
        for move in migration.moves(here, chosen, wanted, migration.under_way()):
            if move.step in _WORK:
                ended = migration.carry_over(
                    here, pm2, move, failed=_tell_failure, done=partial(keep_stopped, pm2, move)
                )
                _tell_end(ended)
                failed |= ended.failure is not None
    for line in advice(pm2):
        say(line)
    return ExitStatus.FAILED if failed else ExitStatus.OK


def _ecosystem(
    processes: Sequence[Process], file: Path, around: ExitStack, *, dry_run: bool
) -> tuple[tuple[Moved, ...], Path]:
    """PM2's apps and the ecosystem file that says what they are; a dry run has one of its own."""
    found = imported(processes, "the running PM2", file.parent)
    if file.exists():
        return found.apps, file
    if dry_run:
        emit(f"{file} would be written: pm2sd import --live -o - shows it")
        directory = Path(around.enter_context(tempfile.TemporaryDirectory(prefix="pm2sd-")))
        path = directory / file.name
        write(path, imported(processes, "the running PM2", directory), force=True)
        return found.apps, path
    write(file, found, force=False)
    emit(f"wrote {file}")
    return found.apps, file


def _chosen(apps: Sequence[Moved], only: Sequence[str]) -> list[Moved]:
    names = [app.name for app in apps]
    for name in only:
        if name not in names:
            raise NoSuchApp(name, hint=f"PM2 has {', '.join(names)}")
    return [app for app in apps if not only or app.name in only]


def _tell(move: Move) -> None:
    parts = [str(move.step.value)]
    if move.step is Step.MOVE:
        count = len(move.running)
        parts.append("one process" if count == 1 else f"{count} processes")
        if move.addresses:
            parts.append(f"listening on {', '.join(map(str, sorted(move.addresses)))}")
    style = "yellow" if move.step in _IN_THE_WAY else "green" if move.running else "grey"
    emit(paint(f"{move.name} will be {'; '.join(parts)}", style))
    if move.wanted and move.step in _WORK:
        for line in note_lines([(move.name, move.wanted.notes)]):
            say(line)


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise Pm2sdError(
            "nobody is there to be asked",
            hint="add --yes, or look with --dry-run",
            code=ExitStatus.USAGE,
        )
    what = "this app" if count == 1 else f"these {count} apps"
    typer.confirm(f"Move {what} now?", abort=True, err=True)


def _tell_failure(failure: Failure) -> None:
    if parse_instance(failure.unit):
        report([failure])
    else:
        say(f"{paint('error:', 'red', sys.stderr)} {failure.unit}: {failure.why}")


def _tell_end(ended: Ended) -> None:
    name = ended.move.name
    if ended.failure:
        state = "PM2 could not start it again either" if ended.lost else "it runs under PM2 again"
        emit(f"{paint('not moved', 'red')} {name}: {state}")
    elif ended.move.step is Step.WRITE:
        emit(f"wrote {name}")
    else:
        emit(
            f"{paint('moved', 'green')} {name}: started again {ended.seconds:.1f} s after the stop"
        )
