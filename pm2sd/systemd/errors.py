"""D-Bus errors, told as ours."""

from __future__ import annotations

import errno
import os
from typing import Final

from pm2sd.errors import Pm2sdError


class UnitError(Pm2sdError):
    """systemd refuses to do something to a unit.

    ``reason`` is one word, in the manner of a job's result: ``no-such-unit``, ``masked``,
    ``bad-setting``, ``access-denied``, ``refused`` ...
    """

    def __init__(self, unit: str, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.unit = unit
        self.reason = reason


class ManagerError(Pm2sdError):
    """The user manager refused a call that concerns no single unit, or stopped answering."""


# The last part of the D-Bus error name -> reason, message, hint. systemd's own names are those of
# src/libsystemd/sd-bus/bus-common-errors.h.
_OF_UNITS: Final[dict[str, tuple[str, str, str | None]]] = {
    "NoSuchUnit": ("no-such-unit", "there is no unit {unit}", None),
    "FileNotFound": ("no-such-unit", "there is no unit {unit}", None),
    "UnitMasked": ("masked", "{unit} is masked", "systemctl --user unmask {unit}"),
    "BadUnitSetting": (
        "bad-setting",
        "{unit} has a setting that systemd refuses: {detail}",
        "systemctl --user status {unit}",
    ),
    "LoadFailed": (
        "load-failed",
        "{unit} cannot be loaded: {detail}",
        "systemctl --user status {unit}",
    ),
    "JobTypeNotApplicable": ("not-applicable", "{unit} cannot do that: {detail}", None),
    "OnlyByDependency": ("refused", "{unit} may be started by dependency only", None),
    "NoSuchProcess": ("no-process", "{unit} has no running process", None),
    "ESRCH": ("no-process", "{unit} has no running process", None),
    "TransactionIsDestructive": (
        "refused",
        "{unit}: a job that must not be replaced is under way: {detail}",
        "systemctl --user list-jobs",
    ),
    "ShuttingDown": ("refused", "{unit}: the user manager is shutting down", None),
    "AccessDenied": ("access-denied", "{unit}: access denied", None),
    "InteractiveAuthorizationRequired": ("access-denied", "{unit}: access denied", None),
}

_NO_ANSWER: Final = frozenset({"ETIMEDOUT", "Timeout", "TimedOut", "NoReply"})
_GONE: Final = frozenset({"ECONNRESET", "EPIPE", "ENOTCONN", "ESHUTDOWN", "Disconnected"})


def error_name(error: Exception) -> str:
    """The last part of an error's D-Bus name (``NoSuchUnit``), or its errno's (``ETIMEDOUT``).

    pystemd keeps the name on its base class only; elsewhere the class stands for the name.
    """
    known = type(error).__name__
    if known != "DBusBaseError":
        return known.removeprefix("DBus").removesuffix("Error")
    name = _text(getattr(error, "err_name", ""))
    if name and " " not in name:
        return name.rpartition(".")[2]
    return errno.errorcode.get(-getattr(error, "errno", 0), "")


def error_text(error: Exception) -> str:
    """What a D-Bus error says, in one line.

    Messages from the other side are bytes; pystemd's own are text that leaves out the reason.
    """
    message = getattr(error, "err_message", "")
    if isinstance(message, bytes) and message:
        return " ".join(_text(message).split())
    number = getattr(error, "errno", 0)
    return os.strerror(-number) if number else error_name(error)


def translated(error: Exception, unit: str = "") -> Pm2sdError:
    """Our error for one of pystemd's; ``unit`` is the one that was asked about, if any."""
    name, detail = error_name(error), error_text(error)
    if name in _NO_ANSWER:
        return ManagerError(
            "the user manager did not answer in time", hint="systemctl --user list-jobs"
        )
    if name in _GONE:
        return ManagerError(
            "the user manager closed the connection", hint="systemctl --user is-system-running"
        )
    if not unit:
        return ManagerError(f"the user manager refused: {detail}")
    reason, message, hint = _OF_UNITS.get(name, ("refused", "{unit}: {detail}", None))
    return UnitError(
        unit,
        reason,
        message.format(unit=unit, detail=detail),
        hint=hint.format(unit=unit) if hint else None,
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
