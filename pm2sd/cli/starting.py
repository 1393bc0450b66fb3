"""What ``start`` does with each kind of thing it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pm2sd.cli.applying import apply_file, carry_out_and_tell, tell, waiting
from pm2sd.cli.failures import report
from pm2sd.cli.output import emit
from pm2sd.control import lifecycle
from pm2sd.control.apply import plan
from pm2sd.control.configuration import from_flags
from pm2sd.control.session import Session, changing
from pm2sd.errors import ExitStatus, NoSuchApp, Pm2sdError
from pm2sd.plan.plan import Options
from pm2sd.plan.select import select

Given = Mapping[str, tuple[str, Any]]


def start_file(
    files: Sequence[str],
    *,
    env: str | None,
    only: str | None,
    options: Given,
    after: Sequence[str] | None,
) -> ExitStatus:
    """Apply ecosystem files, as PM2's start does."""
    flags = [spelling for name, (spelling, _) in options.items() if name != "force"]
    if flags or after:
        raise Pm2sdError(
            f"{flags[0] if flags else '--'} is for starting a script; "
            "the apps of a file have their options there",
            hint="write the option into the file",
            code=ExitStatus.USAGE,
        )
    for file in files or (None,):
        status = apply_file(file, env=env, only=only, force="force" in options)
        if status is not ExitStatus.OK:
            return status
    return ExitStatus.OK


def start_known(names: Sequence[str]) -> ExitStatus:
    """Start apps that are known; a name nobody knows may be a script."""
    with changing(waiting) as here:
        apps = here.stored().apps
        try:
            chosen = select(names, apps)
        except NoSuchApp:
            if len(names) > 1:
                raise
        else:
            failures = lifecycle.start(here, chosen, apps)
            unwell = {failure.unit for failure in failures}
            for one in chosen:
                if one.unit not in unwell:
                    emit(f"started {one}")
            report(failures)
            return ExitStatus.FAILED if failures else ExitStatus.OK
        return _start_script(here, names[0], {}, ())


def start_script(script: str, *, options: Given, arguments: Sequence[str]) -> ExitStatus:
    """Make an app of a script and the flags beside it, and start it."""
    with changing(waiting) as here:
        return _start_script(here, script, options, arguments)


def _start_script(
    here: Session, script: str, options: Given, arguments: Sequence[str]
) -> ExitStatus:
    known = here.stored().apps
    wanted = from_flags(script, options, arguments)
    old = known.get(wanted.app.name)
    if old and old.app.source and "force" not in options:
        raise Pm2sdError(
            f"there is an app {wanted.app.name!r} already, from {old.app.source}",
            hint="change it there, choose another --name, or replace it with --force",
        )
    force = "force" in options
    todo = plan(here, [wanted], options=Options(force=force))
    tell(todo, [wanted])
    return carry_out_and_tell(here, todo, [wanted])
