"""What comes back at boot: what ran when it was last started, stopped or saved.

Nothing but systemd's own enablement says it. Of an app that runs whole, the target is enabled; of
one of which only some instances run, these and the units beside them are; of one that is down,
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pm2sd.control.running import DOWN, rows
from pm2sd.control.session import Session
from pm2sd.plan.stored import StoredApp, read_stored
from pm2sd.systemd import snapshot
from pm2sd.systemd.snapshot import Snapshot
from pm2sd.units import names

if TYPE_CHECKING:
    from pm2sd.control.desired import Wanted
    from pm2sd.control.settle import Failure
    from pm2sd.plan.plan import Plan
    from pm2sd.plan.select import Instance


def follow(session: Session, apps: Iterable[StoredApp], *, forced: bool = False) -> list[str]:
    """Make what is up of these apps come back at boot, and nothing else of them; the units up.

    An app with ``autostart: false`` is enabled only where ``forced``: by ``save``.
    """
    apps = list(apps)
    up = {row.name for row in rows(session, [app.name for app in apps]) if row.active != "inactive"}
    enable, disable, link, unlink = [], [], [], []
    linked = session.directory.boot_links()
    for app in apps:
        target = names.target(app.name)
        running = [unit for unit in app.instances if unit in up]
        if target in up and ends_by_itself(app):
            running = list(app.instances)
        enabled = session.bus.unit_file_state(target) == "enabled"
        if running and not (forced or enabled or app.app.autostart):
            continue
        whole = len(running) == len(app.instances)
        enable += [target] if whole and not enabled else []
        disable += [target] if enabled and not whole else []
        beside = [unit for unit in app.auxiliary if unit in up]
        own = [*running, *beside] if running and not whole else []
        link += [unit for unit in own if unit not in linked]
        unlink += [unit for unit in linked if is_of(unit, app.name) and unit not in own]
    session.bus.disable(disable)
    session.directory.unlink_from_boot(unlink)
    session.directory.link_to_boot(link)
    session.bus.enable(enable)
    if enable or disable:
        session.directory.sync_boot_links()
    return sorted(up)


def save(session: Session, apps: Iterable[StoredApp]) -> int:
    """Make what runs what comes back at boot and with ``resurrect``; how many instances that is."""
    apps = list(apps)
    up = follow(session, apps, forced=True)
    snapshot.save(Snapshot(session.directory.read_managed(), frozenset(up)))
    return sum(unit in up for app in apps for unit in app.instances)


def restoration(session: Session, saved: Snapshot) -> tuple[Plan, list[Wanted]]:
    """The plan that gives back the apps that were saved and deleted since, and starts nothing."""
    from pm2sd.control.apply import plan
    from pm2sd.control.desired import Wanted
    from pm2sd.plan.plan import Options

    known = session.stored().apps
    lost = [app for name, app in read_stored(saved.files).apps.items() if name not in known]
    lost.sort(key=lambda app: app.ids)  # which are given anew, in the same order
    wanted = [Wanted(app.app, app.notes) for app in lost]
    return plan(session, wanted, options=Options(start="none")), wanted


def start_saved(session: Session, saved: Snapshot) -> tuple[list[Instance], list[Failure]]:
    """Start what ran when it was saved and does not now; those instances, and what failed.

    Of an app whose instances end by themselves it is the target.
    """
    from pm2sd.control import lifecycle
    from pm2sd.control.settle import bring_up
    from pm2sd.plan.select import instances
    from pm2sd.systemd.bus import Job

    apps = session.stored().apps
    up = {row.name for row in rows(session, apps) if row.active not in DOWN}
    jobs = [
        target
        for name, app in apps.items()
        if ends_by_itself(app) and (target := names.target(name)) in saved.running - up
    ]
    failures = bring_up(session, [Job("start", target) for target in jobs])
    follow(session, [app for name, app in apps.items() if names.target(name) in jobs])
    wanted = saved.running - up
    unwell = {failure.unit for failure in failures}
    known = instances(apps.values())
    ended = [
        one for one in known if (target := names.target(one.app)) in jobs and target not in unwell
    ]
    chosen = [one for one in known if one.unit in wanted and names.target(one.app) not in jobs]
    if chosen:
        failures += lifecycle.start(session, chosen, apps)
    return [*ended, *chosen], failures


def nothing(session: Session, apps: Iterable[StoredApp]) -> None:
    """Nothing of these apps comes back at boot; what runs goes on."""
    apps = list(apps)
    session.bus.disable(names.target(app.name) for app in apps)
    forget_parts(session, [app.name for app in apps])
    session.directory.sync_boot_links()


def forget_parts(session: Session, apps: Iterable[str]) -> None:
    """Single instances of these apps do not come back at boot: their targets alone decide."""
    apps = list(apps)
    session.directory.unlink_from_boot(
        unit for unit in session.directory.boot_links() if any(is_of(unit, app) for app in apps)
    )


def is_of(unit: str, app: str) -> bool:
    """Whether a unit is an instance of an app, or one beside them."""
    instance = names.parse_instance(unit)
    return names.is_auxiliary(unit, app) or bool(instance and instance[0] == app)


def ends_by_itself(app: StoredApp) -> bool:
    """Whether an instance that is down says nothing about whether the app is up."""
    options = app.app
    return (
        options.schedule is not None or options.idle_timeout is not None or not options.autorestart
    )
