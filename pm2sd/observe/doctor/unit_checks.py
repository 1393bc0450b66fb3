"""What is judged about unit files and what they name."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from pm2sd.observe.doctor.facts import AppFacts, Facts
from pm2sd.observe.doctor.model import Finding, Fix, Status, of_each_app
from pm2sd.observe.doctor.words import shown, some
from pm2sd.units import names
from pm2sd.units.mark import sections

# A second one adds to the first, or is nobody's business.
_ADDING: Final = frozenset(
    {"After", "Before", "Description", "Documentation", "Environment", "EnvironmentFile"}
    | {"ExecStartPost", "ExecStartPre", "PartOf", "Requires", "Wants"}
)


@of_each_app
def missing(app: AppFacts) -> Iterator[Finding]:
    """What an app needs and is gone, as after an upgrade of Node under nvm."""
    for problem, command in app.missing:
        yield Finding(
            status=Status.FAIL,
            message=problem,
            hint=command or _apply_again(app, "restore it, or delete the app: "),
        )


@of_each_app
def helpers(app: AppFacts) -> Iterator[Finding]:
    """Watchers and timers that name a Python or a program that is gone."""
    for unit, program in dict.fromkeys(app.stale_helpers):
        yield Finding(
            status=Status.FAIL,
            message=f"{unit} runs {program}, which is gone (was pm2sd installed anew?)",
            hint=_apply_again(app, ""),
        )


def _apply_again(app: AppFacts, otherwise: str) -> str:
    """The command that makes the units afresh."""
    name = quote(app.name)
    if app.app.source.startswith("/") and not app.source_missing:
        return f"pm2sd apply {quote(app.app.source)} --only {name}"
    return f"{otherwise}pm2sd delete {name}, and start it again"


def unread(facts: Facts) -> Iterator[Finding]:
    """Files that changed and that systemd has not read again."""
    found = {unit.name: app.name for app in facts.apps for unit in app.units if unit.unread}
    if found:
        yield Finding(
            status=Status.WARN,
            app=next(iter(found.values())) if len(set(found.values())) == 1 else "",
            message=f"systemd has not read the files of {shown(list(found))} since they changed",
            hint="systemctl --user daemon-reload",
            fix=Fix("daemon-reload"),
        )


@of_each_app
def edited(app: AppFacts) -> Iterator[Finding]:
    """Files of ours that somebody changed."""
    if app.edited:
        yield Finding(
            status=Status.WARN,
            message=f"edited by hand: {', '.join(app.edited)}; pm2sd does not touch them",
            hint=f"systemctl --user edit {quote(names.service_template(app.name))} keeps "
            f"changes apart; then: {_force(app)}",
        )


def _force(app: AppFacts) -> str:
    source = app.app.source
    file = quote(source) if source.startswith("/") else "FILE"
    return f"pm2sd apply {file} --only {quote(app.name)} --force"


def source(facts: Facts) -> Iterator[Finding]:
    """The ecosystem files that apps came from."""
    gone: dict[str, list[str]] = {}
    changed: dict[str, list[str]] = {}
    for app in facts.apps:
        if app.source_missing:
            gone.setdefault(app.app.source, []).append(app.name)
        elif app.source_changed:
            changed.setdefault(app.app.source, []).append(app.name)
    for path, apps in gone.items():
        yield Finding(
            status=Status.WARN,
            app=apps[0] if len(apps) == 1 else "",
            message=f"{path} is gone; {some(apps)} came from it and go on without it",
            hint=f"restore the file, or: pm2sd delete {' '.join(map(quote, apps[:3]))}"
            + (" ..." if len(apps) > 3 else ""),
        )
    for path, apps in changed.items():
        yield Finding(
            status=Status.INFO,
            app=apps[0] if len(apps) == 1 else "",
            message=f"{path} was written after the last apply that changed {some(apps)}",
            hint=f"pm2sd diff {quote(path)} shows whether it matters",
        )


def orphans(facts: Facts) -> Iterator[Finding]:
    """What is left of apps that are no more."""
    if not facts.whole:
        yield Finding(
            status=Status.INFO,
            message="orphaned units are only looked for without a selector",
            hint="pm2sd doctor",
        )
        return
    for left in facts.leftovers:
        what = f"the unit files of {left.app!r} are left without their target"
        if left.running:
            yield Finding(
                status=Status.WARN,
                message=f"{what}, and {shown(left.running)} still run",
                hint=f"apply its ecosystem file again, or: systemctl --user stop "
                f"{' '.join(map(quote, left.running[:3]))}; then pm2sd doctor --fix",
            )
        elif left.edited:
            yield Finding(
                status=Status.WARN,
                message=f"{what}; edited by hand: {', '.join(left.edited)}",
                hint=f"look at them, then: rm {' '.join(_paths(facts, left.files))}",
            )
        else:
            yield Finding(
                status=Status.WARN,
                message=what,
                hint=f"rm {' '.join(_paths(facts, left.files))} && systemctl --user daemon-reload",
                fix=Fix("remove-units", left.files),
            )
    for stray in facts.strays:
        failed = stray.active == "failed"
        yield Finding(
            status=Status.WARN,
            message=f"{stray.name} {'failed' if failed else 'runs'}, and its unit file is gone",
            hint=f"systemctl --user {'reset-failed' if failed else 'stop'} {quote(stray.name)}",
            fix=Fix("reset-failed", (stray.name,)) if failed else None,
        )
    for link in facts.dangling:
        yield Finding(
            status=Status.WARN,
            message=f"{link} leads to a unit file that is gone",
            hint=f"rm {quote(f'{facts.machine.unit_directory}/{link}')}",
            fix=Fix("remove-units", (link,)),
        )


def _paths(facts: Facts, files: tuple[str, ...]) -> list[str]:
    return [quote(f"{facts.machine.unit_directory}/{path}") for path in files]


@of_each_app
def enabled(app: AppFacts) -> Iterator[Finding]:
    """Whether apps come back at boot."""
    target = names.target(app.name)
    running = any(unit.active == "active" for unit in app.instances)
    if not app.enabled and running and app.app.autostart:
        yield Finding(
            status=Status.WARN,
            message=f"{target} is not enabled: the app does not come back at boot",
            hint=f"systemctl --user enable {quote(target)}",
        )


@of_each_app
def masked(app: AppFacts) -> Iterator[Finding]:
    """Units that systemd was told never to start."""
    hidden = [unit.name for unit in app.units if unit.load == "masked"]
    if hidden:
        yield Finding(
            status=Status.FAIL,
            message=f"{shown(hidden)} {'is' if len(hidden) == 1 else 'are'} masked: "
            "systemd refuses to start what is",
            hint=f"systemctl --user unmask {' '.join(map(quote, hidden))}",
        )
    broken = [unit.name for unit in app.units if unit.load in ("bad-setting", "error")]
    if broken:
        yield Finding(
            status=Status.FAIL,
            message=f"systemd cannot load {shown(broken)}",
            hint=f"systemctl --user status {quote(broken[0])}",
        )


@of_each_app
def overrides(app: AppFacts) -> Iterator[Finding]:
    """Drop-ins of others that say otherwise than the ecosystem file."""
    ours = {
        (section, name)
        for text in app.stored.files.values()
        for section, pairs in sections(text).items()
        for name, _ in pairs
    }
    for drop_in in app.drop_ins:
        against = [name for section, name in drop_in.directives if (section, name) in ours]
        against = [name for name in dict.fromkeys(against) if name not in _ADDING]
        if against:
            yield Finding(
                status=Status.WARN,
                message=f"{drop_in.path} has the last word on {', '.join(against)}, "
                "whatever the ecosystem file says",
                hint=f"systemctl --user cat {quote(app.stored.instances[0])}"
                if app.stored.ids
                else "",
            )
        else:
            what = ", ".join(dict.fromkeys(name for _, name in drop_in.directives))
            yield Finding(
                status=Status.INFO,
                message=f"{drop_in.path} adds {what or 'nothing'}",
            )


@of_each_app
def secrets(app: AppFacts) -> Iterator[Finding]:
    """Files with variables in them that others may read."""
    if app.exposed:
        yield Finding(
            status=Status.WARN,
            message=f"others may read {some(app.exposed)}, which hold variables",
            hint=f"chmod 600 {' '.join(map(quote, app.exposed))}",
            fix=Fix("chmod", app.exposed),
        )
