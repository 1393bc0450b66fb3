"""Which versions of systemd units are made for."""

from __future__ import annotations

from typing import Final

from pm2sd.errors import ExitStatus, Pm2sdError

MINIMUM: Final = 245
"""Every directive of the templates is known to it (ProtectClock= is the newest, NEWS of 245).

So is what else the units ask for: Type=exec and append: (240), systemd-cat's --stderr-priority=
(241), ExecStart=: (242), PrivateUsers= in a user manager (245). on_failure is told more since 251.
"""


def refuse_too_old(systemd: int) -> None:
    """Pm2sdError for a version that would pass over directives which apps rely on."""
    if systemd < MINIMUM:
        raise Pm2sdError(
            f"systemd {systemd} is too old: it does not know all directives of pm2sd's units",
            hint=f"upgrade to systemd {MINIMUM} or later (Ubuntu 20.04, Debian 11)",
            code=ExitStatus.FAILED,
        )
