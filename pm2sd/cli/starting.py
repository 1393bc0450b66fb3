"""What ``start`` does with each kind of thing it is given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from shutil import which
from typing import Any, Final

from pm2sd.cli.applying import apply_file, carry_out_and_tell, tell
from pm2sd.cli.attaching import Outcome
from pm2sd.cli.failures import report
from pm2sd.cli.lifecycle import told
from pm2sd.cli.output import caution, emit, say
from pm2sd.control import lifecycle
from pm2sd.control.apply import plan
from pm2sd.control.configuration import changed, from_flags
from pm2sd.control.session import Session, changing
from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.read import is_ecosystem_file, read
from pm2sd.ecosystem.serving import SERVE
from pm2sd.errors import ExitStatus, NoSuchApp, Pm2sdError
from pm2sd.plan.plan import Options
from pm2sd.plan.select import Instance, select
from pm2sd.plan.stored import StoredApp

Given = Mapping[str, tuple[str, Any]]

_OFTEN_GIVEN: Final = ("NODE_ENV", "PORT")
"""What an app takes from ``NODE_ENV=production pm2 start app.js``."""


def start_file(
    files: Sequence[str],
    *,
    env: str | None,
    only: str | None,
    options: Given,
    after: Sequence[str] | None,
) -> Outcome:
    """Apply ecosystem files, as PM2's start does."""
    refuse_options(options, after)
    names: list[str] = []
    for file in files or (None,):
        done = apply_file(file, env=env, only=only, force="force" in options)
        names += done.apps
        if done.status is not ExitStatus.OK:
            return Outcome(done.status, names)
    return Outcome(ExitStatus.OK, names)


def refuse_options(options: Given, after: Sequence[str] | None) -> None:
    """Raise Pm2sdError for options given beside an ecosystem file, which has its own."""
    flags = [spelling for name, (spelling, _) in options.items() if name != "force"]
    if flags or after:
        raise Pm2sdError(
            f"{flags[0] if flags else '--'} is for apps started without a file; "
            "the apps of a file have their options there",
            hint="write the option into the file",
            code=ExitStatus.USAGE,
        )


def _may_be_a_script(word: str) -> bool:
    """Whether a word that names no app can be meant for a program: a path, a command line ..."""
    return any(sign in word for sign in "/. ") or bool(which(word)) or Path(word).exists()


def start_known(names: Sequence[str]) -> Outcome:
    """Start apps that are known; names that nobody knows may be scripts."""
    with changing(say) as here:
        apps = here.stored().apps
        known: list[Instance] = []
        scripts: list[str] = []
        for name in names:
            try:
                known += select([name], apps)
            except NoSuchApp:
                if is_ecosystem_file(name):
                    if not Path(name).exists():
                        read(name, stdin=None)  # says so
                    raise Pm2sdError(
                        f"{name} does not go together with other words",
                        hint=f"pm2sd start {quote(name)}, and the others in a command of their own",
                        code=ExitStatus.USAGE,
                    ) from None
                if not _may_be_a_script(name):
                    raise
                scripts.append(name)
        done = [_start_known(here, sorted(set(known)), apps)] if known else []
        done += [_start_script(here, script, {}, None) for script in scripts]
    failed = any(one.status is not ExitStatus.OK for one in done)
    return Outcome(
        ExitStatus.FAILED if failed else ExitStatus.OK,
        [app for one in done for app in one.apps],
    )


def _start_known(
    here: Session, chosen: Sequence[Instance], apps: Mapping[str, StoredApp]
) -> Outcome:
    rows = here.bus.units_by_name([one.unit for one in chosen])
    ran = {row.name for row in rows if row.active == "active"}
    failures = lifecycle.start(here, chosen, apps)
    unwell = {failure.unit for failure in failures}
    for one in chosen:
        if one.unit not in unwell:
            emit(f"{one} runs already" if one.unit in ran else f"started {one}")
    report(failures)
    return Outcome(
        ExitStatus.FAILED if failures else ExitStatus.OK, sorted({one.app for one in chosen})
    )


def start_script(script: str, *, options: Given, after: Sequence[str] | None) -> Outcome:
    """Make an app of a script, the flags beside it and what follows ``--``, and start it."""
    with changing(say) as here:
        return _start_script(here, script, options, after)


def _start_script(
    here: Session, script: str, options: Given, after: Sequence[str] | None
) -> Outcome:
    # Only in a file PM2 takes this word for its own server.
    script = (which(SERVE) or SERVE) if script == SERVE else script
    wanted = from_flags(script, options, after or ())
    old = here.stored().apps.get(wanted.app.name)
    force = "force" in options
    if old and not old.app.source and old.app.script == wanted.app.script:
        return _start_again(here, old.app, options, after)
    if old and not force:
        has = f"from {old.app.source}" if old.app.source else f"which runs {old.app.script}"
        raise Pm2sdError(
            f"there is an app {wanted.app.name!r} already, {has}",
            hint=f"{'change it there, ' if old.app.source else ''}choose another --name, or "
            "replace it with --force",
        )
    todo = plan(here, [wanted], options=Options(force=force))
    tell(todo)
    tell_of_the_shell(wanted.app)
    return Outcome(carry_out_and_tell(here, todo, [wanted]), [wanted.app.name])


def tell_of_the_shell(app: App) -> None:
    """Say that an app without a file does not get what PM2's users write before the command."""
    given = [name for name in _OFTEN_GIVEN if name in os.environ and name not in app.env]
    if given:
        caution(
            f"{' '.join(f'{name}={os.environ[name]}' for name in given)} of this shell is not "
            "handed on to the app",
            f"pm2sd restart {quote(app.name)} {' '.join(f'--inherit-env {name}' for name in given)}"
            " hands it on; so does start",
        )


def _start_again(here: Session, app: App, options: Given, after: Sequence[str] | None) -> Outcome:
    """Start a script that is known by this name already: what is not given stays as it was.

    As PM2 does (lib/API.js, _startScript): one that runs is an error, so that what comes after
    ``||`` in a script is run, and ``--force`` restarts it. With other options, it gets them.
    """
    force = "force" in options
    given = {name: flag for name, flag in options.items() if name != "force"}
    wanted = changed(app, given, after, update_env=False)
    todo = plan(here, [wanted], options=Options(force=force, start="all"))
    if todo.is_empty() and not force:
        raise Pm2sdError(
            f"{app.name} runs already, with these options",
            hint=f"pm2sd restart {app.name}, or --force, starts it again",
        )
    tell(todo)
    status = carry_out_and_tell(here, todo, [wanted])
    if not force or status is not ExitStatus.OK:
        return Outcome(status, [app.name])
    apps = here.stored().apps
    rest = [
        one
        for one in select([app.name], apps)
        if one.unit not in todo.start and one.unit not in todo.restart
    ]
    return told("restarted", rest, lifecycle.restart(here, rest, apps))


def start_server(options: Given) -> Outcome:
    """Make an app of the server of static files, and start it."""
    force = "force" in options
    wanted = from_flags(SERVE, {k: v for k, v in options.items() if k != "force"}, ())
    name = wanted.app.name
    with changing(say) as here:
        old = here.stored().apps.get(name)
        if old and not force and (old.app.source or old.app.script != SERVE):
            raise Pm2sdError(
                f"there is an app {name!r} already",
                hint="choose another --name, or replace it with --force",
            )
        todo = plan(here, [wanted], options=Options(force=force, start="all"))
        if todo.is_empty() and not force:
            hint = f"pm2sd restart {name} starts it again"
            raise Pm2sdError(f"{name} runs already, with these options", hint=hint)
        tell(todo)
        return Outcome(carry_out_and_tell(here, todo, [wanted]), [name])
