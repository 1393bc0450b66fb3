"""What ``apply``, ``diff`` and ``start FILE`` share: plan, tell, carry out, tell."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pm2sd.cli import output
from pm2sd.cli.attaching import Outcome
from pm2sd.cli.failures import report
from pm2sd.cli.output import caution, emit, paint, say, warn
from pm2sd.cli.plan_text import equivalents, note_lines, plan_lines
from pm2sd.cli.unchanged import tell_who_is_unwell
from pm2sd.control.apply import Carried, carry_out, plan
from pm2sd.control.configuration import Configuration, load, refuse_approximations
from pm2sd.control.desired import Wanted
from pm2sd.control.session import Session, changing, session
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.plan.plan import Action, AppChange, Options, Plan
from pm2sd.units.names import display, parse_instance


class _Told(KeyboardInterrupt):
    """An interruption after which it was said how things stand."""


def names_of(only: str | None) -> list[str]:
    """``--only a,b`` as a list.

    Raises Pm2sdError for one without a name (an empty variable of the shell): none is not all.
    """
    names = [name for name in (part.strip() for part in (only or "").split(",")) if name]
    if only is not None and not names:
        raise Pm2sdError(
            "--only names no app",
            hint="write --only a,b; without it, all apps of the file are meant",
            code=ExitStatus.USAGE,
        )
    return names


def planned(
    file: str | None,
    *,
    env: str | None,
    only: str | None,
    prune: bool,
    systemd: int | None = None,
) -> Plan:
    """What applying the file would change; notes go to stderr."""
    configuration = load(file, env=env, only=names_of(only), systemd=systemd)
    _say_notes_on_file(configuration)
    with session() as here:
        todo = _plan(here, configuration, Options(prune=prune, force=True), systemd=systemd)
    say_notes(todo)
    return todo


def _plan(
    here: Session,
    configuration: Configuration,
    options: Options,
    *,
    strict: bool = False,
    systemd: int | None = None,
) -> Plan:
    stored = here.stored()
    orphans = configuration.orphans(stored)
    todo = plan(here, configuration.wanted, orphans=orphans, options=options, systemd=systemd)
    if strict:
        refuse_approximations(todo, configuration)
    for name, source in configuration.taken_over(stored).items():
        caution(
            f"{name} has been the app of that name in {source}; now it becomes that of this file",
            "give it another name here, if they are two apps",
        )
    return todo


def apply_file(
    file: str | None,
    *,
    env: str | None = None,
    only: str | None = None,
    dry_run: bool = False,
    prune: bool = False,
    force: bool = False,
    strict: bool = False,
    systemd: int | None = None,
) -> Outcome:
    """Apply an ecosystem file and tell about it, also how things stand after Ctrl-C.

    ``systemd`` is another machine's version, for a dry run only.
    """
    if systemd is not None and not dry_run:
        raise Pm2sdError(
            "--target-systemd is for looking at the units of another machine",
            hint="add --dry-run, or print the units: pm2sd cat FILE --target-systemd N",
            code=ExitStatus.USAGE,
        )
    try:
        return _apply_file(
            file,
            env,
            only,
            Options(prune, force),
            dry_run=dry_run,
            strict=strict,
            systemd=systemd,
        )
    except _Told:
        raise
    except KeyboardInterrupt:
        warn("interrupted: nothing was changed")
        raise


def _apply_file(
    file: str | None,
    env: str | None,
    only: str | None,
    options: Options,
    *,
    dry_run: bool,
    strict: bool,
    systemd: int | None,
) -> Outcome:
    configuration = load(file, env=env, only=names_of(only), systemd=systemd)
    _say_notes_on_file(configuration)
    names = [one.app.name for one in configuration.wanted]
    if dry_run:
        with session() as here:
            todo = _plan(here, configuration, options, strict=strict, systemd=systemd)
            tell(todo)
            if systemd is None:
                say_unenforced(here, todo, configuration.wanted)
        return Outcome(ExitStatus.OK, names)
    with changing(say) as here:
        todo = _plan(here, configuration, options, strict=strict)
        tell(todo)
        status = carry_out_and_tell(here, todo, configuration.wanted)
        try:
            well = tell_who_is_unwell(here, todo, [one.app for one in configuration.wanted])
        except KeyboardInterrupt:
            raise _Told from None
        started = frozenset((*todo.start, *todo.restart))
        return Outcome(status if well else ExitStatus.FAILED, names, started)


def carry_out_and_tell(here: Session, todo: Plan, wanted: Sequence[Wanted]) -> ExitStatus:
    """Carry a plan out and say how it went."""
    say_unenforced(here, todo, wanted)
    if output.verbose:
        for line in equivalents(todo):
            output.say_equivalent(line)
    try:
        done = carry_out(here, todo, wanted, say=say)
        _tell_how_it_went(todo, done)
    except KeyboardInterrupt:
        warn(f"interrupted: {_where_it_stands(here, todo)}")
        raise _Told from None
    if wanted:
        _say_not_at_boot()
    return ExitStatus.FAILED if done.failures else ExitStatus.OK


def _tell_how_it_went(todo: Plan, done: Carried) -> None:
    report(done.failures)
    unwell = {failure.unit for failure in done.failures} | done.as_before
    well = [
        display(unit)
        for unit in (*todo.start, *todo.restart)
        if parse_instance(unit) and unit not in unwell
    ]
    if well:
        say(f"{paint('up:', 'green', sys.stderr)} {', '.join(well)}")


def _say_not_at_boot() -> None:
    """Warn where the user's manager, and so every app, ends with the last session."""
    from pm2sd.systemd.user import lingers, user_name

    user = user_name()
    if not lingers(user):
        what = f"apps end when {user} has logged out, and do not start at boot"
        caution(what, "pm2sd startup")


def _where_it_stands(here: Session, todo: Plan) -> str:
    """What was done of a plan that was interrupted, and who does the rest."""
    pending = [path for path, text in todo.write.items() if here.directory.read(path) != text]
    back = [
        change.name
        for change in todo.changes
        if change.restart and any(path in pending and path in todo.before for path in change.files)
    ]
    if back:
        return f"as before, unit files too: {', '.join(back)}; apply again for the change"
    if pending:
        done = f"{len(todo.write) - len(pending)} of {len(todo.write)} unit files are written"
    else:
        done = "the unit files are written, and what systemd was asked to start goes on starting"
    return f"{done}; the next apply or start finishes what is left"


def tell(todo: Plan) -> None:
    """Print a plan, and the notes on the apps it changes."""
    for line in plan_lines(todo):
        emit(line)
    say_notes(todo)


def _say_notes_on_file(configuration: Configuration) -> None:
    for note in configuration.notes:
        say(f"{paint('note:', 'yellow', sys.stderr)} {note.option}: {note.text}")


def say_notes(todo: Plan) -> None:
    """What is to be known of how the options of the changed apps are carried over."""
    news = [change for change in todo.changes if _is_news(change)]
    for line in note_lines((change.name, change.notes) for change in news):
        say(line)


def say_unenforced(here: Session, todo: Plan, wanted: Sequence[Wanted]) -> None:
    """Warn of limits of the changed apps that nobody enforces on this machine."""
    from pm2sd.control.limits import missing

    news = {change.name for change in todo.changes if _is_news(change)}
    lacking = missing(here, [one.app for one in wanted if one.app.name in news])
    if lacking:
        controllers = ", ".join(lacking.controllers)
        what = f"nothing enforces {'; '.join(lacking.limits)}: no {controllers} controller here"
        caution(what, lacking.remedy)


def _is_news(change: AppChange) -> bool:
    return bool(change.reasons) or change.action is Action.CREATE
