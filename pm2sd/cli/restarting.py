"""``restart`` and ``reload`` of known apps, perhaps with new options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pm2sd.cli.applying import carry_out_and_tell, tell
from pm2sd.cli.attaching import Outcome
from pm2sd.cli.output import say
from pm2sd.cli.selecting import whole_apps
from pm2sd.cli.starting import tell_of_the_shell
from pm2sd.control.apply import plan
from pm2sd.control.configuration import changed
from pm2sd.control.desired import Wanted
from pm2sd.control.reload import goes_one_by_one
from pm2sd.control.session import Session
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.plan.plan import Options
from pm2sd.plan.stored import StoredApp
from pm2sd.units.names import parse_instance


@dataclass(frozen=True, slots=True)
class Change:
    """What is new beside the selectors: options, what follows ``--``, the shell's variables."""

    options: Mapping[str, tuple[str, Any]]
    after: Sequence[str] | None = None
    update_env: bool = False

    def __bool__(self) -> bool:
        return bool(self.options.keys() - {"force"}) or self.after is not None or self.update_env


def rebuild(
    here: Session, selectors: Sequence[str], change: Change, *, rolling: bool
) -> tuple[Outcome, frozenset[str]]:
    """Give apps that were started without a file new options, and start them with these.

    The apps by their new names, and the units that were started on the way. With ``rolling`` the
    restarts are left to the caller, but for those that are made one by one all the same. Raises
    Pm2sdError for apps from a file.
    """
    known = here.stored().apps
    names = whole_apps(selectors, known)
    wanted = [_changed(known[name], change) for name in names]
    renamed = [name for name, one in zip(names, wanted, strict=True) if one.app.name != name]
    _refuse_name(wanted, renamed, known)
    options = Options(prune=True, force="force" in change.options, start="all")
    todo = plan(here, wanted, orphans=renamed, options=options)
    tell(todo)
    if rolling:
        gated = {one.app.name for one in wanted if goes_one_by_one(one.app)}
        some = [unit for unit in todo.restart if (parse_instance(unit) or ("", 0))[0] in gated]
        todo = replace(todo, restart=tuple(some))
    status = carry_out_and_tell(here, todo, wanted)
    return Outcome(status, [one.app.name for one in wanted]), frozenset(
        (*todo.start, *todo.restart)
    )


def _changed(stored: StoredApp, change: Change) -> Wanted:
    app = stored.app
    options = {name: flag for name, flag in change.options.items() if name != "force"}
    if not app.source:
        if change.update_env:
            tell_of_the_shell(app)
        return changed(app, options, change.after, update_env=change.update_env)
    if not options and change.after is None:
        say(
            f"{app.name}: --update-env has no effect on it: its variables are those of {app.source}"
        )
        return Wanted(app, stored.notes)
    raise Pm2sdError(
        f"app {app.name!r} has its options from {app.source}",
        hint="change the file, then: pm2sd apply",
        code=ExitStatus.USAGE,
    )


def _refuse_name(
    wanted: Sequence[Wanted], renamed: Sequence[str], known: Mapping[str, StoredApp]
) -> None:
    names = [one.app.name for one in wanted]
    for name in names:
        if renamed and (names.count(name) > 1 or (name in known and name not in renamed)):
            raise Pm2sdError(f"--name {name} would be the name of two apps", code=ExitStatus.USAGE)
