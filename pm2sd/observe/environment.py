"""The environment of an instance, with secrets masked unless they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pm2sd.ecosystem.app import App
from pm2sd.systemd.bus import Bus
from pm2sd.translate.target import own_variables

MASK = "********"
"""What stands for a secret's value."""


def declared(app: App, number: int) -> dict[str, str]:
    """The variables that pm2sd gives an instance, by name."""
    variables = {
        **app.env,
        app.instance_var: str(number),
        **own_variables(app, number),
        **dict.fromkeys(app.secrets, MASK),
    }
    return dict(sorted(variables.items()))


def configured(bus: Bus, unit: str, app: App, *, reveal: bool = False) -> dict[str, str]:
    """What the next start of an instance gets by its unit, the user's drop-ins included.

    What it inherits from the user manager (PATH, HOME ...) and what drop-ins read from files is
    not among it. Secrets are masked unless ``reveal`` is given.
    """
    pairs = (entry.partition("=") for entry in bus.get(unit, "Service", "Environment"))
    secrets = app.secrets if reveal else dict.fromkeys(app.secrets, MASK)
    variables = {name: value for name, _, value in pairs} | dict(secrets)
    return dict(sorted(variables.items()))


def outdated(pid: int, configured_variables: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that the running process was started with other values of, or without.

    A program may have changed its own environment's memory; empty where it cannot be read.
    """
    running = _of_process(pid)
    if not running:
        return ()
    return tuple(
        name
        for name, value in configured_variables.items()
        if value != MASK and running.get(name) != value
    )


def _of_process(pid: int) -> dict[str, str]:
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    return _variables(data.decode(errors="surrogateescape").split("\0"))


def _variables(entries: Iterable[str]) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, equals, value in pairs if equals}
