"""Making systemd run what is desired: from apps to a plan, and the plan carried out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from pwd import getpwnam
from shlex import quote

from pm2sd.control import boot, counting, limits, preload, probe, rotation, sockets, trial
from pm2sd.control.desired import Wanted, desire, namespaces
from pm2sd.control.rolling import Rolling, Rollout, judge, reopened, roll_out, rollouts
from pm2sd.control.running import DOWN, running
from pm2sd.control.session import Session
from pm2sd.control.settle import JOB_SECONDS, Failure, bring_up, failures_of_jobs
from pm2sd.ecosystem.app import App
from pm2sd.errors import InvalidConfig, Pm2sdError, Problem
from pm2sd.plan.plan import Action, Options, Plan, make_plan
from pm2sd.systemd import pending, scope, stamps
from pm2sd.systemd.bus import Job
from pm2sd.translate.logs import log_files
from pm2sd.units.names import parse_instance
from pm2sd.units.names import target as target_of


def plan(
    session: Session,
    wanted: Sequence[Wanted],
    *,
    orphans: Sequence[str] = (),
    options: Options = Options(),
    systemd: int | None = None,
) -> Plan:
    """What has to change so that the wanted apps are as they shall be.

    ``orphans`` are apps that are known but no longer wanted. ``systemd`` is the version to make
    units for, if not this machine's. Raises InvalidConfig.
    """
    stored = session.stored()
    version = session.bus.version() if systemd is None else systemd
    desired = desire(session.directory.path, wanted, stored, systemd=version)
    names = [one.app.name for one in wanted]
    gone = set(orphans) if options.prune else set()
    apps = {name: old.app for name, old in stored.apps.items() if name not in gone}
    apps |= {one.app.name: one.app for one in wanted}
    sockets.refuse_shared(apps.values(), orphans)
    foreign = session.directory.foreign_units(
        [
            unit
            for one in desired
            for unit in (*(path for path in one.files if "/" not in path), *one.instances)
        ],
        session.bus.manager("UnitPath"),
    )
    _refuse_masked(foreign)
    return make_plan(
        desired,
        stored,
        running(session, [*names, *orphans], pending.load()),
        orphans=orphans,
        namespaces=namespaces(apps.values()),
        foreign=foreign,
        options=options,
    )


def _refuse_masked(foreign: Mapping[str, str]) -> None:
    """Raise InvalidConfig for units (-> path) that somebody has masked, which is no other unit."""
    problems = [
        Problem(
            f"{unit} is masked, so that systemd would not start it",
            hint=scope.here(
                f"systemctl --user unmask {'--runtime ' if path.startswith('/run/') else ''}"
                f"{quote(unit)}"
            ),
        )
        for unit, path in foreign.items()
        if os.path.realpath(path) == os.devnull
    ]
    if problems:
        raise InvalidConfig(problems)


@dataclass(frozen=True, slots=True)
class Carried:
    """What did not come up of a plan, and the units that were left as they were because of it."""

    failures: Sequence[Failure]
    as_before: frozenset[str] = frozenset()


def carry_out(
    session: Session,
    todo: Plan,
    wanted: Sequence[Wanted] = (),
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Carried:
    """Do what the plan says.

    Killed at any point, the next plan finds what is left to do: files are compared, units that the
    manager has not read again are found by asking it, and restarts are noted beforehand. Of apps
    whose instances go one by one, or whose sockets are opened anew, the files are put back unless
    an instance came up with them.
    """
    apps = [one.app for one in wanted]
    sockets.refuse_taken(apps, todo)
    _make_log_directories(apps)
    some = rollouts(todo, apps)
    changes = [*(one.change for one in some), *reopened(todo)]
    with trial.trying(session, todo, changes, say):
        return _carry_out(session, todo, wanted, some, say)


def _carry_out(
    session: Session,
    todo: Plan,
    wanted: Sequence[Wanted],
    some: Sequence[Rollout],
    say: Callable[[str], None],
) -> Carried:
    apps = [one.app for one in wanted]
    noted = pending.load()
    _note_restarts(todo)
    # Those that go one by one may never be restarted.
    at_once = set(todo.restart).difference(*(one.units for one in some))
    counting.reset_failed(session, [*todo.stop, *todo.start, *todo.restart], at_once)
    try:
        preload.install(session.directory.path, apps)
        probe.install(session.directory.path, apps)
        # On a full disk nothing may have been stopped.
        with session.directory.staged(todo.write) as put_in_place:
            stubborn = _stop(session, todo)
            if stubborn:
                pending.owe(noted)
                return Carried(
                    [*stubborn, *_start_again(session, todo)],
                    frozenset((*todo.start, *todo.restart)),
                )
            session.bus.disable(todo.disable)
            boot.forget_parts(session, _whole_at_boot(todo))
            put_in_place()
    except Pm2sdError:
        if all(session.directory.read(path) == todo.before.get(path) for path in todo.write):
            pending.owe(noted)
        raise
    session.directory.remove(todo.remove)
    counting.forget_removed(_numbers(todo, wanted))
    stamps.forget(path for path in todo.remove if path.endswith(".timer"))
    probe.forget(todo.remove)
    if todo.remove and not wanted and not session.stored().apps:
        preload.remove(session.directory.path)
        probe.remove(session.directory.path)
    if todo.reload:
        session.bus.reload()
        limits.enforce(session, limits.changed(todo))
        # Whatever was started until now may have been started with what the manager knew before.
        pending.owe(dict.fromkeys(pending.load(), pending.now()))
    session.bus.enable(todo.enable)
    if todo.enable or todo.disable:
        session.directory.sync_boot_links()
    session.bus.reset_failed([*todo.start, *todo.restart, *todo.stop])
    left = roll_out(session, todo, some, say)
    left = replace(left, failures=(*left.failures, *_start(session, left, say)))
    left = judge(session, reopened(todo), left)
    _strike_restarts(todo, left)
    if todo.write or todo.remove:
        rotation.refresh(session)
    return Carried(left.failures, left.owed | left.as_before)


def _numbers(todo: Plan, wanted: Sequence[Wanted]) -> dict[str, int]:
    """How many instances each app has from now on."""
    removed = {change.name: 0 for change in todo.changes if change.action is Action.REMOVE}
    return removed | {one.app.name: one.app.instances for one in wanted}


def _whole_at_boot(todo: Plan) -> list[str]:
    """The apps of which no single instance shall be enabled: the whole app is, or it goes."""
    return [
        change.name
        for change in todo.changes
        if change.action is Action.REMOVE or target_of(change.name) in todo.enable
    ]


def _stop(session: Session, todo: Plan) -> list[Failure]:
    """Stop what shall not run; the units that would not, whose files must stay."""
    results = session.bus.run_jobs([Job("stop", unit) for unit in todo.stop], JOB_SECONDS)
    gone = ("no-such-unit", "not-loaded")
    return failures_of_jobs(
        session, {job.unit: how for job, how in results.items() if how not in gone}
    )


def _start_again(session: Session, todo: Plan) -> list[Failure]:
    """Start what was stopped only to be started with files that are not written now."""
    stopped = session.bus.units_by_name([unit for unit in todo.stop if unit in todo.start])
    return bring_up(session, [Job("start", row.name) for row in stopped if row.active in DOWN])


def _note_restarts(todo: Plan) -> None:
    if todo.restart:
        now = pending.now()
        pending.save(pending.load() | dict.fromkeys(todo.restart, now))


def _strike_restarts(todo: Plan, left: Rolling) -> None:
    """Forget what was noted of the plan's apps, but for what is still owed.

    What a killed run owes to other apps stays noted, and so does what was owed to apps whose files
    were put back.
    """
    apps = {change.name for change in todo.changes if change.action is not Action.ORPHAN}
    stay = left.owed | left.as_before
    pending.owe(
        {
            unit: when
            for unit, when in pending.load().items()
            if unit in stay or not any(boot.is_of(unit, app) for app in apps)
        }
    )


def _start(session: Session, left: Rolling, say: Callable[[str], None]) -> list[Failure]:
    jobs = [
        *(Job("start", unit, alone=unit.endswith(".target")) for unit in left.start),
        *(Job("restart", unit) for unit in left.restart),
    ]
    if not jobs:
        return []
    say(f"waiting for {_count(jobs)} to start")
    return bring_up(session, jobs)


def _count(jobs: Sequence[Job]) -> str:
    number = sum(parse_instance(job.unit) is not None for job in jobs)
    if not number:
        return "units"
    return "one instance" if number == 1 else f"{number} instances"


def _make_log_directories(apps: Iterable[App]) -> None:
    """systemd opens log files before anything of the app runs, so their directories come first."""
    for app in apps:
        for _, path in log_files(app):
            directory = Path(path).parent
            try:
                if not directory.is_dir():
                    directory.mkdir(parents=True)
                    if app.user:  # of the directory itself, not of what it was replaced with
                        os.chown(directory, getpwnam(app.user).pw_uid, -1, follow_symlinks=False)
            except OSError as error:
                raise Pm2sdError(
                    f"app {app.name!r}: cannot make the directory of its log {path}: "
                    f"{os.strerror(error.errno or 0)}",
                    hint="give it another out_file, error_file or log_file",
                ) from error
