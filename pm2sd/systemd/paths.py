"""The directories pm2sd uses, by the XDG base directory specification; with ``--system`` the
machine's own (file-hierarchy(7)).

Some of them also as text, for the list of apps: to load pathlib takes 3 ms of its 60.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pm2sd.systemd import scope

if TYPE_CHECKING:
    from pathlib import Path


def _base(environ: Mapping[str, str], variable: str, default: str) -> str:
    """An XDG base directory; a relative path in the variable is ignored, as the rules ask."""
    value = environ.get(variable, "")
    if value.startswith("/"):
        return value.rstrip("/")
    home = environ.get("HOME") or str(_path("~").expanduser())
    return f"{home.rstrip('/')}/{default}"


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)


def unit_directory_text(environ: Mapping[str, str] = os.environ) -> str:
    """``unit_directory`` as text."""
    if scope.system:
        return "/etc/systemd/system"
    return f"{_base(environ, 'XDG_CONFIG_HOME', '.config')}/systemd/user"


def unit_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own unit files live: systemd.unit(5), ``~/.config/systemd/user``."""
    return _path(unit_directory_text(environ))


def overrides_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a user's own versions of the unit templates live."""
    if scope.system:
        return _path("/etc/pm2sd/unit_templates")
    return _path(_base(environ, "XDG_CONFIG_HOME", ".config")) / "pm2sd" / "unit_templates"


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """What must outlive a reboot and is no configuration."""
    if scope.system:
        return _path("/var/lib/pm2sd")
    return _path(_base(environ, "XDG_STATE_HOME", ".local/state")) / "pm2sd"


def data_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """What programs, systemd among them, keep for the user."""
    if scope.system:
        return _path("/var/lib")
    return _path(_base(environ, "XDG_DATA_HOME", ".local/share"))


def user_runtime_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of the manager: this user's, ``/run/user/UID``, or ``/run``."""
    return _path(user_runtime_directory_text(environ))


def user_runtime_directory_text(environ: Mapping[str, str] = os.environ) -> str:
    """``user_runtime_directory`` as text.

    ``XDG_RUNTIME_DIR`` decides where it names a directory of ours. Unset (cron, ``su -``) or left
    over from another user (``su``, ``sudo -E``), the place that pam_systemd(8) gives it is taken.
    """
    if scope.system:
        return "/run"
    value = environ.get("XDG_RUNTIME_DIR", "")
    if value.startswith("/") and owner(value) == os.getuid():
        return value
    return f"/run/user/{os.getuid()}"


def runtime_directory_text(environ: Mapping[str, str] = os.environ) -> str:
    """``runtime_directory`` as text."""
    return f"{user_runtime_directory_text(environ)}/pm2sd"


def runtime_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """What lasts as long as the user manager: the lock and what must still be restarted."""
    return _path(runtime_directory_text(environ))


def runtime_unit_directory() -> Path:
    """Where units are that end with the boot."""
    return user_runtime_directory() / "systemd" / ("system" if scope.system else "user")


def owner(path: str | Path) -> int | None:
    """The uid that a path belongs to, None where there is nothing."""
    try:
        return os.stat(path).st_uid  # noqa: PTH116 (see above)
    except OSError:
        return None
