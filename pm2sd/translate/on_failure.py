"""``NAME:failed@.service``: what is run when systemd gives an instance up."""

from __future__ import annotations

from pm2sd.ecosystem.app import App
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.units import names
from pm2sd.units.model import INSTANCE, AuxiliaryService, Mark, Text

_WHAT = "failed"


def handler(app: App, mark: Mark) -> Auxiliary:
    """The template of the handler; nothing starts it but the instance's OnFailure=.

    systemd itself adds how the instance ended: MONITOR_SERVICE_RESULT, MONITOR_EXIT_CODE,
    MONITOR_EXIT_STATUS, MONITOR_UNIT (systemd.exec(5)).
    """
    if not app.on_failure:
        return Auxiliary()
    environment: dict[str, Text] = {"PM2SD_APP": app.name, "PM2SD_INSTANCE": (INSTANCE,)}
    if "PATH" in app.env:
        environment["PATH"] = app.env["PATH"]
    unit = AuxiliaryService(
        name=names.auxiliary(app.name, f"{_WHAT}@", "service"),
        mark=mark,
        description=(f"{app.name}: on_failure of instance ", INSTANCE),
        slice=names.slice_name(app.name),
        exec_start=(app.on_failure,),
        working_directory=app.cwd,
        environment=environment,
        syslog_identifier=f"{names.unit_name(app.name)}:{_WHAT}",
    )
    return Auxiliary((unit,))


def handler_of(app: App) -> Text | None:
    """The handler's unit, for the template of the instances."""
    return (
        (f"{names.unit_name(app.name)}:{_WHAT}@", INSTANCE, ".service") if app.on_failure else None
    )
