"""What is judged about what runs."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from pm2sd.observe.doctor.facts import AppFacts, Facts
from pm2sd.observe.doctor.model import Finding, Status, of_each_app
from pm2sd.observe.doctor.words import shown, some
from pm2sd.translate.memory import limits_text

_MANY: Final = 8
"""Apps on one line."""


@of_each_app
def failed(app: AppFacts) -> Iterator[Finding]:
    """Apps that systemd has given up, with their last words."""
    down = [unit for unit in app.units if unit.active == "failed"]
    if not down:
        return
    why = ", ".join(dict.fromkeys(unit.ending for unit in down if unit.ending))
    yield Finding(
        status=Status.FAIL,
        message=f"{shown([unit.name for unit in down])} failed" + (f": {why}" if why else ""),
        hint=f"pm2sd logs {quote(app.name)} --lines 50 --nostream; mended: "
        f"pm2sd restart {quote(app.name)}",
        details=app.last_lines,
    )


def flapping(facts: Facts) -> Iterator[Finding]:
    """Apps that systemd starts again and again."""
    yield from _unknown(facts)
    for app in facts.apps:
        units = [unit for unit in app.stored.instances if facts.events.flaps(unit)]
        if units:
            hour = max(facts.events.recent.get(unit, 0) for unit in units)
            day = max(facts.events.restarts.get(unit, 0) for unit in units)
            yield Finding(
                status=Status.WARN,
                app=app.name,
                message=f"restarted up to {hour} times within the last hour, {day} within the last "
                f"day ({len(units)} of {len(app.stored.ids)} instances)",
                hint=f"pm2sd logs {quote(app.name)} --err --since -1h --nostream",
                details=()
                if any(unit.active == "failed" for unit in app.units)
                else app.last_lines,
            )


def _unknown(facts: Facts) -> Iterator[Finding]:
    """What has to be said where the journal does not tell."""
    if facts.events.problem:
        yield Finding(status=Status.INFO, message="not known: the journal cannot be read")


def out_of_memory(facts: Facts) -> Iterator[Finding]:
    """Kills for want of memory."""
    yield from _unknown(facts)
    for app in facts.apps:
        count = sum(facts.events.ooms.get(unit, 0) for unit in app.stored.instances)
        if count:
            what = limits_text(app.app) or "the machine had none left"
            yield Finding(
                status=Status.WARN,
                app=app.name,
                message=f"killed for want of memory {count} times within the last day; {what}",
                hint=f"pm2sd describe {quote(app.name)}; raise the limit or mend the leak",
            )


@of_each_app
def ports(app: AppFacts) -> Iterator[Finding]:
    """Ports that apps want and others have."""
    for port in app.ports:
        if port.ours or not (port.others or port.strangers):
            continue
        up = any(unit.active == "active" for unit in app.instances)
        who = ", ".join(map(str, port.others)) or "another user's process"
        yield Finding(
            status=Status.WARN if up else Status.FAIL,
            message=f"port {port.number} is taken by {who}",
            hint=f"stop it, or choose another port (ss -ltnp sport = {port.number})",
        )


def hardening(facts: Facts) -> Iterator[Finding]:
    """The score of each app, apps of one score together."""
    found: dict[tuple[float, str], list[str]] = {}
    for app in facts.apps:
        if app.exposure is not None:
            found.setdefault((app.exposure, app.app.hardening), []).append(app.name)
    for (score, level), apps in sorted(found.items()):
        yield Finding(
            status=Status.INFO,
            app=apps[0] if len(apps) == 1 else "",
            message=f"exposure {score:.1f} of 10 ({level}): {some(apps, _MANY)}",
            hint="hardening: strict (docs/hardening.md)" if level != "strict" else "",
            details=tuple(
                ", ".join(apps[first : first + _MANY]) for first in range(_MANY, len(apps), _MANY)
            ),
        )
