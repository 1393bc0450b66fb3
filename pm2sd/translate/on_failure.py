"""``NAME:failed@.service``, ``NAME:alerts.timer``: telling somebody that an app is in trouble."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.nodes import Plain
from pm2sd.notes import Fidelity, Note
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.translate.checks import program, regularly
from pm2sd.translate.logs import streams
from pm2sd.units import names
from pm2sd.units.fitting import parts
from pm2sd.units.model import INSTANCE, AuxiliaryService, Mark, Text

_FAILED: Final = "failed"
_ALERTS: Final = "alerts"

ENDING_SINCE: Final = 251
"""MONITOR_SERVICE_RESULT and the like are given to handlers since then (NEWS of 251)."""

GUARD: Final = "pm2sd-failed"
"""The word before the command of a handler, behind what decides whether it is run."""

_STOPPING: Final = "de5b426a63be47a7b6ac3eaac82e2f6f"
"""MESSAGE_ID of what the manager says when somebody asked it to stop a unit (sd-messages.h)."""

# An instance that was stopped or restarted has failed, to systemd, if it ended with an error or had
# to be killed. Only the journal, a moment later, tells that somebody asked for it.
_UNLESS_STOPPED: Final = f"""\
sleep 0.2
match="USER_INVOCATION_ID=$MONITOR_INVOCATION_ID MESSAGE_ID={_STOPPING}"
asked=$(/usr/bin/journalctl --quiet --lines=1 --output=cat $match 2>/dev/null)
[ -n "$asked" ] || exec "$@"
"""

_LONGEST_LOOK: Final = 30_000
_LOOKS: Final = 4
"""An alarm for being down comes at most this part of its time too late."""


def handler(app: App, mark: Mark, unit_directory: str) -> Auxiliary:
    """The template of the handler; nothing starts it but the instance's OnFailure=.

    systemd itself adds how the instance ended: MONITOR_SERVICE_RESULT, MONITOR_EXIT_CODE,
    MONITOR_EXIT_STATUS, MONITOR_UNIT (systemd.exec(5)).
    """
    if not (app.on_failure or app.webhook):
        return Auxiliary()
    own: dict[str, Text] = {
        "PM2SD_EVENT": "failed",
        "PM2SD_APP": app.name,
        "PM2SD_INSTANCE": (INSTANCE,),
    }
    command: tuple[Text, ...] = app.on_failure or _posting(app, unit_directory)
    if not app.user:  # who could not read what the machine's manager says
        command = ("/bin/sh", "-c", _UNLESS_STOPPED, GUARD, *command)
    unit = AuxiliaryService(
        name=names.auxiliary(app.name, f"{_FAILED}@", "service"),
        mark=mark,
        description=(f"{app.name}: on_failure of instance ", INSTANCE),
        slice=names.slice_name(app.name),
        exec_start=(command,),
        user=app.user,
        group=app.group,
        working_directory=app.cwd if app.on_failure else "",
        environment={**own, **_path(app), **_webhook(app.webhook)},
        syslog_identifier=f"{names.unit_name(app.name)}:{_FAILED}",
    )
    return Auxiliary((unit,))


def told_less(app: App, systemd: int) -> tuple[Note, ...]:
    """What a handler is not told by an older systemd."""
    if systemd >= ENDING_SINCE or not (app.on_failure or app.webhook):
        return ()
    lacks = (
        "the webhook does not say how an instance ended"
        if app.webhook and not app.on_failure
        else "the command gets no MONITOR_ variables"
    )
    text = f"{lacks}: systemd tells it since {ENDING_SINCE}, and this is {systemd}"
    return (Note("on_failure", Fidelity.APPROXIMATE, text),)


def handler_of(app: App) -> Text | None:
    """The handler's unit, for the template of the instances."""
    if not (app.on_failure or app.webhook):
        return None
    return (f"{names.unit_name(app.name)}:{_FAILED}@", INSTANCE, ".service")


def alerts(app: App, mark: Mark, unit_directory: str) -> Auxiliary:
    """``NAME:alerts.timer`` and the round that it starts, which looks at all instances."""
    if not app.alerts:
        return Auxiliary()
    limits = ("restarts", "within", "memory", "down")
    words = [f"--{name}={app.alerts[name]}" for name in limits if name in app.alerts]
    command, webhook = app.alerts["command"], app.alerts["webhook"]
    assert isinstance(command, list | tuple)
    assert isinstance(webhook, dict)
    unit = AuxiliaryService(
        name=names.auxiliary(app.name, _ALERTS, "service"),
        mark=mark,
        description=f"{app.name}: look for trouble",
        slice=names.slice_name(app.name),
        quiet=True,
        exec_start=(
            (
                *program(unit_directory),
                *(_ALERTS, f"--app={names.unit_name(app.name)}", f"--name={app.name}", *words),
                *(("--", *map(str, command)) if command else ()),
            ),
        ),
        working_directory=app.cwd if command else "",
        environment={**_path(app), **_webhook(webhook)},
        syslog_identifier=identifier(app.name),
    )
    down = app.alerts.get("down", _LOOKS * _LONGEST_LOOK)
    assert isinstance(down, int)
    return regularly(app, mark, unit, min(_LONGEST_LOOK, down // _LOOKS))


def identifier(app: str) -> str:
    """What the alarms are found by in the journal."""
    return f"{names.unit_name(app)}:{_ALERTS}"


def teller(app: str) -> str:
    """What the lines about telling of a failure are found by."""
    return f"{names.unit_name(app)}:{_FAILED}"


def _posting(app: App, unit_directory: str) -> tuple[Text, ...]:
    logs = streams(app)
    outputs = (("log", logs.output), ("log-err", logs.error))
    return (
        *program(unit_directory),
        *(_FAILED, f"--name={app.name}", ("--number=", INSTANCE)),
        (f"--unit={names.unit_name(app.name)}@", INSTANCE, ".service"),
        *((f"--{name}=", *parts(one.path)) for name, one in outputs if one.kind == "append"),
    )


def _path(app: App) -> dict[str, Text]:
    return {"PATH": app.env["PATH"]} if "PATH" in app.env else {}


def _webhook(webhook: Mapping[str, Plain]) -> dict[str, Text]:
    if not webhook:
        return {}
    found: dict[str, Text] = {"PM2SD_WEBHOOK": str(webhook["url"])}
    if headers := webhook.get("headers"):
        found["PM2SD_WEBHOOK_HEADERS"] = json.dumps(headers)
    return found
