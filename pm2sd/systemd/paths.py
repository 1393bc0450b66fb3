"""The directories pm2sd uses, by the XDG base directory specification."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def _base(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """An XDG base directory; a relative path in the variable is ignored, as the rules ask."""
    value = environ.get(variable, "")
    if value.startswith("/"):
        return Path(value)
    return Path(environ.get("HOME") or Path.home()) / default


def unit_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own unit files live: systemd.unit(5), ``~/.config/systemd/user``."""
    return _base(environ, "XDG_CONFIG_HOME", ".config") / "systemd" / "user"


def overrides_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a user's own versions of the unit templates live."""
    return _base(environ, "XDG_CONFIG_HOME", ".config") / "pm2sd" / "unit_templates"


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """What must outlive a reboot and is no configuration."""
    return _base(environ, "XDG_STATE_HOME", ".local/state") / "pm2sd"


def data_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """What programs, systemd among them, keep for the user."""
    return _base(environ, "XDG_DATA_HOME", ".local/share")


def user_runtime_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of this user's manager, ``/run/user/UID``.

    ``XDG_RUNTIME_DIR`` decides where it names a directory of ours. Unset (cron, ``su -``) or left
    over from another user (``su``, ``sudo -E``), the place that pam_systemd(8) gives it is taken.
    """
    value = environ.get("XDG_RUNTIME_DIR", "")
    if value.startswith("/") and owner(value) == os.getuid():
        return Path(value)
    return Path(f"/run/user/{os.getuid()}")


def runtime_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """What lasts as long as the user manager: the lock and what must still be restarted."""
    return user_runtime_directory(environ) / "pm2sd"


def owner(path: str | Path) -> int | None:
    """The uid that a path belongs to, None where there is nothing."""
    try:
        return Path(path).stat().st_uid
    except OSError:
        return None
