"""The user this process runs as, and whether their manager runs without a login."""

from __future__ import annotations

import os
import pwd

from pm2sd.systemd import scope


def user_name() -> str:
    """The user's name, or the number of a user who has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def lingers(user: str) -> bool:
    """Whether the manager that apps run under is started at boot: the machine's always is.

    A user's is if the user lingers (loginctl(1), enable-linger).
    """
    # The list of apps comes this way: no pathlib (see paths).
    return scope.system or os.path.exists(f"/var/lib/systemd/linger/{user}")  # noqa: PTH110
