"""Start, stop, restart, scale and delete apps that are known; ``reload`` is beside this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import quote
from signal import Signals

from pm2sd.control import boot, counting
from pm2sd.control.apply import plan
from pm2sd.control.desired import Wanted
from pm2sd.control.running import rows
from pm2sd.control.session import Session
from pm2sd.control.settle import JOB_SECONDS, Failure, bring_up, failures_of_jobs
from pm2sd.ecosystem.serving import SERVE, address
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.plan.plan import Options, Plan
from pm2sd.plan.select import Instance
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd.bus import Job, Verb
from pm2sd.systemd.errors import UnitError
from pm2sd.systemd.results import LEFTOVERS, ending
from pm2sd.units import names

Apps = Mapping[str, StoredApp]


def start(session: Session, chosen: Sequence[Instance], apps: Apps) -> list[Failure]:
    """Start instances that do not run; the others are left alone."""
    return _up(session, "start", chosen, apps)


def restart(session: Session, chosen: Sequence[Instance], apps: Apps) -> list[Failure]:
    """Stop and start instances, all at once; those that do not run are started."""
    return _up(session, "restart", chosen, apps)


def _up(session: Session, verb: Verb, chosen: Sequence[Instance], apps: Apps) -> list[Failure]:
    units = [one.unit for one in chosen]
    counting.reset_failed(session, units, units if verb == "restart" else ())
    first = dict.fromkeys(other for app in _apps(chosen) for other in apps[app].app.depends_on)
    jobs = [Job("start", names.target(app)) for app in first if app in apps]
    jobs += [Job(verb, unit) for unit in units]
    jobs += [Job("start", target, alone=True) for target in whole(chosen, apps)]
    jobs += [Job("start", unit) for app in _apps(chosen) for unit in apps[app].auxiliary]
    failures = bring_up(session, jobs)
    boot.follow(session, [apps[app] for app in _apps(chosen)])
    return failures


def _apps(chosen: Sequence[Instance]) -> list[str]:
    return list(dict.fromkeys(one.app for one in chosen))


def whole(chosen: Sequence[Instance], apps: Apps) -> list[str]:
    """The targets of the apps of which every instance was chosen.

    A target wants all its instances, so it must not be started for one of them.
    """
    numbers: dict[str, int] = {}
    for one in chosen:
        numbers[one.app] = numbers.get(one.app, 0) + 1
    return [names.target(app) for app, n in numbers.items() if n == apps[app].app.instances]


def stop(session: Session, chosen: Sequence[Instance], apps: Apps) -> list[Failure]:
    """Stop instances; those that had to be killed, or would not go.

    An instance that was killed for not stopping in time is down and counts as stopped, but the
    user is told.
    """
    units = [one.unit for one in chosen]
    counting.reset_failed(session, units)
    jobs = [Job("stop", unit) for unit in [*whole(chosen, apps), *units]]
    results = session.bus.run_jobs(jobs, JOB_SECONDS)
    failures = failures_of_jobs(session, {job.unit: result for job, result in results.items()})
    for row in session.bus.units_by_name(units):
        if row.active == "failed" and (last := ending(session.bus, row.name)).result == "timeout":
            why = "did not stop within kill_timeout and was killed"
            failures.append(Failure(row.name, why if last.was_killed else LEFTOVERS, mild=True))
    session.bus.reset_failed(units)
    boot.follow(session, [apps[app] for app in _apps(chosen)])
    return failures


def signal_number(text: str) -> Signals:
    """The signal that is meant by ``SIGUSR2``, ``usr2`` or ``12``. Raises Pm2sdError."""
    name = text.upper().removeprefix("SIG")
    try:
        return Signals(int(name)) if name.isdecimal() else Signals[f"SIG{name}"]
    except (KeyError, ValueError):
        raise Pm2sdError(
            f"there is no signal {text!r}", hint="kill -l lists them", code=ExitStatus.USAGE
        ) from None


def send_signal(session: Session, chosen: Sequence[Instance], signal: Signals) -> list[Instance]:
    """Send a signal to the main processes of instances; those that have none."""
    idle = []
    for one in chosen:
        try:
            session.bus.kill(one.unit, signal)
        except UnitError as error:
            if error.reason not in ("no-process", "no-such-unit"):
                raise
            idle.append(one)
    return idle


def scaled(session: Session, stored: StoredApp, instances: str) -> tuple[Plan, list[Wanted]]:
    """The plan that gives an app another number of instances: ``4``, ``+2`` or ``-1``.

    The highest go first. New ones are started if the app runs.
    """
    if stored.app.schedule is not None:
        raise Pm2sdError(
            f"{stored.app.name} has a schedule, and so one instance", code=ExitStatus.USAGE
        )
    if stored.app.idle_timeout is not None:
        raise Pm2sdError(
            f"{stored.app.name} has an idle_timeout, and so one instance", code=ExitStatus.USAGE
        )
    number = _number(instances, stored.app.instances)
    if number < 1:
        raise Pm2sdError(
            f"an app has at least one instance, not {number}",
            hint=f"pm2sd stop {quote(stored.app.name)}, or pm2sd delete {quote(stored.app.name)}",
            code=ExitStatus.USAGE,
        )
    app = replace(stored.app, instances=number)
    if app.script == SERVE and number > 1 and not app.listen:
        app = replace(app, listen=(address(app.env),))  # one alone opened its socket itself
    wanted = [Wanted(app, stored.notes)]
    running = any(
        row.active == "active" and names.parse_instance(row.name)  # an empty slice is active too
        for row in rows(session, [stored.app.name])
    )
    return plan(session, wanted, options=Options(start="all" if running else "none")), wanted


def _number(text: str, current: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise Pm2sdError(
            f"{text!r} is not a number of instances",
            hint="write 4, +2 or -1",
            code=ExitStatus.USAGE,
        ) from None
    return current + number if text[0] in "+-" else number


def deletion(session: Session, apps: Sequence[str], *, force: bool) -> Plan:
    """The plan that stops apps and removes everything of theirs from the unit directory."""
    return plan(session, [], orphans=apps, options=Options(prune=True, force=force))
