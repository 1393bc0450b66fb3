"""When persistent timers ran last, which systemd keeps in ``$XDG_DATA_HOME/systemd/timers``.

systemd never forgets it by itself: an app that is deleted and made again much later would have
missed its time (systemd.timer(5), ``Persistent=``).
"""

from __future__ import annotations

from collections.abc import Iterable

from pm2sd.systemd.durable import failure
from pm2sd.systemd.paths import data_directory


def forget(timers: Iterable[str]) -> None:
    """Forget when these timers ran last, if ever. Raises Pm2sdError."""
    for timer in timers:
        path = data_directory() / "systemd" / "timers" / f"stamp-{timer}"
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise failure(error, "remove", path) from error
