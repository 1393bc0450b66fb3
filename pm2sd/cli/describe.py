"""describe, env, cat, which: one app in detail."""

from __future__ import annotations

from typing import Annotated

import typer

from pm2sd.cli import output
from pm2sd.cli.apply import TargetSystemd
from pm2sd.cli.listing import pick
from pm2sd.cli.status import Json
from pm2sd.observe.known import Known
from pm2sd.systemd.bus import Bus

Required = Annotated[
    list[str],
    typer.Argument(metavar="SELECTOR...", help="Apps, instances, ids, namespaces, /regex/."),
]

Reveal = Annotated[bool, typer.Option("--reveal", help="Show the values of secrets.")]


def describe(selectors: Required, json: Json = False) -> None:
    """Show everything about an app's instances.

    What runs, how it last ended, which limits are in force, where its files and logs are, and what
    the translation to systemd had to say.
    """
    from pm2sd.cli import description
    from pm2sd.observe.describe import describe as description_of

    known = Known.read()
    chosen = pick(known, selectors)
    with Bus.open() as bus:
        found = description_of(bus, known, chosen)
    if json:
        output.emit_json([description.record(one) for one in found])
    else:
        output.emit("\n\n".join(description.text(one) for one in found))


def env(selectors: Required, json: Json = False, reveal: Reveal = False) -> None:
    """Print the environment that the next start of an instance gets, secrets masked.

    It is what its unit says, your drop-ins included; what every unit inherits from the user
    manager (systemctl --user show-environment) is left out. Where the running process was started
    with something else, that is told.
    """
    from pm2sd.observe.environment import configured, outdated

    known = Known.read()
    chosen = pick(known, selectors)
    records = []
    with Bus.open() as bus:
        for one in chosen:
            variables = configured(bus, one.unit, known.stored.apps[one.app].app, reveal=reveal)
            records.append({"name": one.app, "instance": one.number, "env": variables})
            if not json:
                if len(chosen) > 1:
                    output.emit(f"{'' if len(records) == 1 else chr(10)}# {one}")
                output.emit("\n".join(f"{name}: {value}" for name, value in variables.items()))
            stale = outdated(int(bus.get(one.unit, "Service", "MainPID")), variables)
            if stale:
                output.say(f"{one} still runs with other values of: {', '.join(stale)}")
    if json:
        output.emit_json(records)


def cat(
    selectors: Required,
    json: Json = False,
    reveal: Reveal = False,
    target_systemd: TargetSystemd = None,
) -> None:
    """Print unit files and drop-ins, as systemctl cat does; secrets are masked.

    With --target-systemd, what ecosystem files become on a machine with that version of systemd,
    applied there for the first time; nothing need run here:

      pm2sd cat ecosystem.yaml --target-systemd 257
    """
    from pm2sd.observe.units import unit_texts

    if target_systemd is not None:
        from pm2sd.cli.rendering import for_another

        found = for_another(selectors, target_systemd, reveal=reveal)
    else:
        known = Known.read()
        found = unit_texts(known, pick(known, selectors), reveal=reveal)
    if json:
        output.emit_json([{"path": path, "text": text} for path, text in found])
        return
    output.emit("\n".join(f"{output.paint(f'# {path}', 'cyan')}\n{text}" for path, text in found))


def which(selectors: Required, json: Json = False) -> None:
    """Print the units of apps with the files they are made of, and the programs they run."""
    from pm2sd.observe.units import unit_paths

    known = Known.read()
    chosen = pick(known, selectors)
    units = unit_paths(known, chosen)
    programs = {one.app: known.stored.apps[one.app].app.command[0] for one in chosen}
    if json:
        output.emit_json({"units": dict(units), "programs": programs})
        return
    rows = [*units, *((f"program of {name}", path) for name, path in programs.items())]
    width = max(len(name) for name, _ in rows)
    output.emit("\n".join(f"{name.ljust(width)}  {path}" for name, path in rows))
