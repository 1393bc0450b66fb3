"""Lingering: whether logind starts a user's manager at boot, and changing it."""

from __future__ import annotations

import os
from typing import Final

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import pystemd_raw
from pm2sd.systemd.errors import error_text
from pm2sd.systemd.user import lingers, user_name

_SYSTEM_BUS: Final = b"unix:path=/run/dbus/system_bus_socket"
_LOGIND: Final = b"org.freedesktop.login1"
_PATH: Final = b"/org/freedesktop/login1"
_MANAGER: Final = b"org.freedesktop.login1.Manager"


def set_lingering(on: bool) -> bool:
    """Have this user's manager started at boot, or not; whether that changed anything.

    Raises Pm2sdError, with the command for root, where logind's policy refuses (without polkit
    only root may: org.freedesktop.login1(5), SetUserLinger) or logind cannot be reached.
    """
    user = user_name()
    if lingers(user) is on:
        return False
    verb = "enable-linger" if on else "disable-linger"
    refused = _ask_logind(on)
    if refused or lingers(user) is not on:
        raise Pm2sdError(
            f"cannot {verb.replace('-', ' ')} for {user}: {refused or 'it did not take'}",
            hint=f"sudo loginctl {verb} {user}",
        )
    return True


def _ask_logind(on: bool) -> str:
    """Why logind refuses; "" where it does not."""
    lib, errors = pystemd_raw.load()
    bus = lib.DBusAddress(_SYSTEM_BUS, peer_to_peer=False)
    try:
        bus.open()
        # The last argument: nobody is asked for a password.
        arguments = lib.apply_signature(b"ubb", [os.getuid(), on, False])
        bus.call_method(_LOGIND, _PATH, _MANAGER, b"SetUserLinger", arguments)
    except errors.DBusBaseError as error:
        return error_text(error) or "no reason given"
    finally:
        bus.close()
    return ""
