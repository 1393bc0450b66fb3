"""How much of what inotify(7) gives a user is in use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LIMITS: Final = Path("/proc/sys/fs/inotify")


@dataclass(frozen=True, slots=True)
class InotifyUse:
    """Instances and watches of all of this user's processes, and how many there may be.

    A limit is None where the kernel does not tell it.
    """

    instances: int
    max_instances: int | None
    watches: int
    max_watches: int | None


def inotify_use(uid: int) -> InotifyUse:
    """What the processes of a user hold; those that cannot be looked into count nothing."""
    instances = watches = 0
    for process in os.scandir("/proc"):
        try:
            if not process.name.isdigit() or process.stat().st_uid != uid:
                continue
            for descriptor in os.scandir(f"{process.path}/fd"):
                if os.readlink(descriptor.path) == "anon_inode:inotify":  # noqa: PTH115 (hot)
                    instances += 1
                    info = Path(process.path, "fdinfo", descriptor.name).read_bytes()
                    watches += info.count(b"inotify wd:")
        except OSError:  # it ended, or is none of ours
            continue
    return InotifyUse(instances, _limit("max_user_instances"), watches, _limit("max_user_watches"))


def _limit(name: str) -> int | None:
    try:
        return int((_LIMITS / name).read_bytes())
    except (OSError, ValueError):
        return None
