"""Where this user's part of the journal is kept, and whether it can be read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Storage:
    """Where this user's part of the journal is.

    ``directory`` is the one that journald writes to, empty without any. ``own``: entries are split
    off into files of the user's, of ``size`` bytes together; else they are in the system's.
    ``readable`` says whether this user may read where their entries are.
    """

    directory: str
    persistent: bool
    own: bool
    readable: bool
    size: int


def storage() -> Storage:
    """What there is of the journal for this user."""
    uid = os.getuid()
    places = directories()
    if not places:
        return Storage("", persistent=False, own=False, readable=False, size=0)
    place = places[0]
    own = has_own_journal(uid)
    names = (f"user-{uid}.", f"user-{uid}@") if own else ("system.", "system@")
    size, readable = 0, False
    for directory in places:
        try:
            with os.scandir(directory) as files:
                for file in files:
                    if file.name.startswith(names):
                        size += file.stat().st_size
                        readable = readable or os.access(file.path, os.R_OK)
        except OSError:
            continue
    return Storage(str(place), str(place).startswith("/var/"), own, readable, size)


def reads_system_journal() -> bool:
    """Whether this user may read what is in nobody's own journal (groups systemd-journal, adm)."""
    return any(os.access(path / "system.journal", os.R_OK) for path in directories())


def directories() -> list[Path]:
    """Where journald keeps this machine's journal, on disk or in memory, as far as it exists."""
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        return []
    places = (Path("/var/log/journal") / machine, Path("/run/log/journal") / machine)
    return [place for place in places if place.is_dir()]


def has_own_journal(uid: int) -> bool:
    """Whether journald splits a user's entries off; a volatile journal holds everybody's."""
    prefixes = (f"user-{uid}.", f"user-{uid}@")
    for directory in directories():
        try:
            if any(name.startswith(prefixes) for name in os.listdir(directory)):  # noqa: PTH208
                return True
        except OSError:
            continue
    return False
