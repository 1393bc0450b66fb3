"""What is judged about what runs."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from pm2sd.observe.doctor.facts import FLAPPING, Facts
from pm2sd.observe.doctor.model import Finding, Status


def failed(facts: Facts) -> Iterator[Finding]:
    """Apps that systemd has given up, with their last words."""
    for app in facts.apps:
        down = [unit for unit in app.units if unit.active == "failed"]
        if not down:
            continue
        why = ", ".join(dict.fromkeys(unit.ending for unit in down if unit.ending))
        names = ", ".join(unit.name.removesuffix(".service") for unit in down[:3])
        more = f" and {len(down) - 3} more" if len(down) > 3 else ""
        yield Finding(
            status=Status.FAIL,
            app=app.name,
            message=f"{names}{more} failed" + (f": {why}" if why else ""),
            hint=f"pm2sd logs {quote(app.name)} --lines 50 --nostream; mended: "
            f"pm2sd restart {quote(app.name)}",
            details=app.last_lines,
        )


def flapping(facts: Facts) -> Iterator[Finding]:
    """Apps that systemd starts again and again."""
    for app in facts.apps:
        counts = {
            unit: facts.events.restarts.get(unit, 0)
            for unit in app.stored.instances
            if facts.events.restarts.get(unit, 0) >= FLAPPING
        }
        if counts:
            most = max(counts.values())
            yield Finding(
                status=Status.WARN,
                app=app.name,
                message=f"restarted up to {most} times within the last hour "
                f"({len(counts)} of {len(app.stored.ids)} instances)",
                hint=f"pm2sd logs {quote(app.name)} --err --since -1h --nostream",
                details=()
                if any(unit.active == "failed" for unit in app.units)
                else app.last_lines,
            )


def out_of_memory(facts: Facts) -> Iterator[Finding]:
    """Kills for want of memory."""
    for app in facts.apps:
        count = sum(facts.events.ooms.get(unit, 0) for unit in app.stored.instances)
        if count:
            limit = app.app.max_memory_restart
            what = f"its limit is {limit >> 20} MiB" if limit else "the machine had none left"
            yield Finding(
                status=Status.WARN,
                app=app.name,
                message=f"killed for want of memory {count} times within the last day; {what}",
                hint=f"pm2sd describe {quote(app.name)}; raise max_memory_restart or mend the leak",
            )


def ports(facts: Facts) -> Iterator[Finding]:
    """Ports that apps want and others have."""
    for app in facts.apps:
        for port in app.ports:
            if port.ours or not (port.others or port.strangers):
                continue
            up = any(unit.active == "active" for unit in app.instances)
            who = ", ".join(map(str, port.others)) or "another user's process"
            yield Finding(
                status=Status.WARN if up else Status.FAIL,
                app=app.name,
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
        many = (
            f"{', '.join(apps[:5])} and {len(apps) - 5} more" if len(apps) > 5 else ", ".join(apps)
        )
        yield Finding(
            status=Status.INFO,
            app=apps[0] if len(apps) == 1 else "",
            message=f"exposure {score:.1f} of 10 ({level}): {many}",
            hint="hardening: strict (docs/hardening.md)" if level != "strict" else "",
        )
