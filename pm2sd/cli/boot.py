"""save, startup: apps come back at boot without either; what that takes is said."""

from __future__ import annotations

from typing import Annotated

import typer

from pm2sd.cli.output import emit
from pm2sd.errors import Pm2sdError

Ignored = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ARGUMENT]...", help="Taken as PM2's, without effect."),
]


def save(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Say whether apps come back at boot. They do as they are now: nothing is saved or dumped.

    Exits 1 where they would not, with the command that mends it.
    """
    _require_lingering()
    emit("nothing to save: apps come back at boot as they were applied; those stopped start too")


def startup(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Say what makes apps come back at boot: the user's manager, started without a login.

    Exits 1 where it is not, with the command that mends it.
    """
    _require_lingering()
    emit("nothing to install: your user manager starts at boot, and your apps with it")


def _require_lingering() -> None:
    from pm2sd.systemd.user import lingers, user_name

    user = user_name()
    if not lingers(user):
        raise Pm2sdError(
            f"apps start when {user} logs in and stop when {user} has logged out, not at boot",
            hint=f"sudo loginctl enable-linger {user}",
        )
