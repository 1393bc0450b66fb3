"""Whether the manager reads unit files where pm2sd keeps them: it has an environment of its own."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Final

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import scope
from pm2sd.systemd.bus import Bus

_WHOLE_SINCE: Final = 246
"""Before this version UnitPath leaves out what was not there when the manager looked last."""

_CONTROL: Final = "/systemd/user.control"


def unread(bus: Bus, directory: Path, environ: Mapping[str, str] = os.environ) -> Pm2sdError | None:
    """What is wrong where the manager does not read the directory of unit files."""
    paths: list[str] = bus.manager("UnitPath")
    if scope.system or str(directory) in paths:
        return None
    if os.path.realpath(directory) in map(os.path.realpath, paths):
        return None
    if not os.path.exists(directory) and bus.version() < _WHOLE_SINCE:  # noqa: PTH110 - it never raises
        return None
    absolute = environ.get("XDG_CONFIG_HOME", "").startswith("/")
    variable = "XDG_CONFIG_HOME" if absolute else "HOME"
    return Pm2sdError(
        f"the user manager does not read {directory}: {variable} is {environ.get(variable, '')} "
        "in this shell, and another for the manager",
        hint=_remedy(variable, paths, pwd.getpwuid(os.getuid()).pw_dir),
    )


def _remedy(variable: str, paths: Sequence[str], home: str) -> str:
    own = [path.removesuffix(_CONTROL) for path in paths if path.endswith(_CONTROL)]
    config = next((path for path in own if not path.startswith("/run/")), f"{home}/.config")
    if config != f"{home}/.config":
        return f"export XDG_CONFIG_HOME={quote(config)}"
    return (
        "unset XDG_CONFIG_HOME" if variable == "XDG_CONFIG_HOME" else f"export HOME={quote(home)}"
    )
