"""``ready``, ``health`` and ``idle_timeout``: the programs of ``pm2sd/probe`` in an app's units."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.options.checks import pause
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.translate.logs import streams
from pm2sd.translate.node import is_node
from pm2sd.units import names
from pm2sd.units.fitting import parts
from pm2sd.units.model import INSTANCE, JOURNAL, AuxiliaryService, Mark, Text, Timer

PROBE_DIRECTORY: Final = "pm2sd-probe"
"""Where the programs stand beside the units. A copy, run by the system's Python: apps must start
while pm2sd is being upgraded."""

_SHELL: Final = ("/bin/sh", "-c")
_LOOKS: Final = 10
_SHORTEST_LOOK, _LONGEST_LOOK = 500, 60_000

READY_SLACK: Final = 10_000
"""Milliseconds between the end of listen_timeout, which the check knows itself, and systemd's."""

Command = tuple[Text, ...]


def runtime_directory(app: App) -> Text | None:
    """What instances keep their own sockets in, and what is remembered about them."""
    if not (app.ready or app.health or app.idle_timeout):
        return None
    return (f"pm2sd/probe/{names.unit_name(app.name)}@", INSTANCE)


def before_start(app: App, unit_directory: str) -> tuple[Command, ...]:
    """``ExecStartPre=``: note how long the log files are in which a line is waited for."""
    files = _watched_files(app)
    return ((*program(unit_directory), "mark", *files),) if files else ()


def after_start(app: App, unit_directory: str) -> tuple[Command, ...]:
    """``ExecStartPost=``: wait until the instance is ready."""
    if not app.ready:
        return ()
    start = (*program(unit_directory), "ready", f"--within={app.listen_timeout}")
    if "log" not in app.ready:
        return ((*start, ("--number=", INSTANCE), *_question(app, app.ready)),)
    logs = streams(app)
    words: list[Text] = [f"--log={app.ready['log']}"]
    if JOURNAL in (logs.output, logs.error):
        words.append(("--identifier=", *parts(logs.identifier)))
    return ((*start, *words, "--", *_watched_files(app)),)


def _watched_files(app: App) -> tuple[Text, ...]:
    """The log files of an instance, if ``ready`` waits for a line in them."""
    if not app.ready or "log" not in app.ready:
        return ()
    logs = streams(app)
    outputs = (one for one in (logs.output, logs.error) if one.kind == "append")
    return tuple(dict.fromkeys(one.path for one in outputs))


def health(app: App, mark: Mark, unit_directory: str) -> Auxiliary:
    """``NAME:health.timer`` and the round that it starts, which asks all instances.

    For apps that do not feed the watchdog (``watchdog.py``).
    """
    if not app.health:
        return Auxiliary()
    timeout, failures, grace = (
        _number(app.health, name) for name in ("timeout", "failures", "grace")
    )
    words: list[Text] = [
        *program(unit_directory),
        *("health", f"--app={names.unit_name(app.name)}", f"--timeout={timeout}"),
        *(f"--failures={failures}", f"--grace={grace}"),
    ]
    if not app.autorestart:
        words.append("--again")
    environment: dict[str, Text] = {}
    directory = ""
    if "command" in app.health:
        words += ["--command", "--", *_SHELL, str(app.health["command"])]
        environment, directory = {**app.env, "PM2SD_APP": app.name}, app.cwd
    elif "address" in app.health:
        words += _question(app, app.health)
    else:
        words.append("--alive")
    unit = AuxiliaryService(
        name=names.auxiliary(app.name, "health", "service"),
        mark=mark,
        description=f"{app.name}: health of its instances",
        slice=names.slice_name(app.name),
        quiet=True,
        exec_start=(tuple(words),),
        working_directory=directory,
        environment=environment,
        syslog_identifier=f"{names.unit_name(app.name)}:health",
    )
    return regularly(app, mark, unit, pause(app.health))


def idle(app: App, mark: Mark, unit_directory: str) -> Auxiliary:
    """``NAME:idle.timer``, where no preload counts the app's connections."""
    if app.idle_timeout is None or is_node(app):
        return Auxiliary()
    unit = AuxiliaryService(
        name=names.auxiliary(app.name, "idle", "service"),
        mark=mark,
        description=f"{app.name}: stop when idle",
        slice=names.slice_name(app.name),
        quiet=True,
        exec_start=(
            (
                *program(unit_directory),
                *("idle", f"--app={names.unit_name(app.name)}", f"--timeout={app.idle_timeout}"),
                *("--", *app.listen),
            ),
        ),
        syslog_identifier=f"{names.unit_name(app.name)}:idle",
    )
    return regularly(
        app, mark, unit, min(max(app.idle_timeout // _LOOKS, _SHORTEST_LOOK), _LONGEST_LOOK)
    )


def regularly(app: App, mark: Mark, unit: AuxiliaryService, every: int) -> Auxiliary:
    """A service, and the timer of the same name that starts it every so many milliseconds."""
    timer = Timer(
        name=unit.name.removesuffix("service") + "timer",
        mark=mark,
        description=unit.description,
        part_of=names.target(app.name),
        every=every,
        steady=True,
        unit=unit.name,
    )
    return Auxiliary((timer, unit), (timer.name,))


def _question(app: App, asked: Mapping[str, Plain]) -> list[Text]:
    """The words of ``pm2sd/probe/asking.py``."""
    address = str(asked["address"])
    shared = address in app.listen
    words: list[Text] = []
    if shared and is_node(app):
        words.append(f"--socket={app.listen.index(address)}")
    if "path" in asked:
        words += [f"--path={asked['path']}", f"--host={asked['host']}"]
        words += ["--tls"] if asked["tls"] else []
    if asked["numbered"]:
        words.append("--numbered")
    elif shared or app.instances > 1:
        words.append("--own")
    return [*words, "--", address]


def program(unit_directory: str) -> tuple[Text, ...]:
    """What the words of a check follow."""
    # The interpreter that a virtual environment was made with: it stays when that one goes.
    python: str = getattr(sys, "_base_executable", "") or sys.executable
    return (python, "-I", "-S", f"{unit_directory}/{PROBE_DIRECTORY}")


def _number(settings: Mapping[str, Plain], name: str) -> int:
    value = settings[name]
    assert isinstance(value, int)
    return value
