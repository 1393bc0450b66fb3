"""Apps whose new unit files are in place and have not proved themselves yet, and the way back.

Noted in the runtime directory (mode 0600: unit files hold variables) before the first of their
files changes, so that whoever comes after a ``kill -9`` can put things back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from pm2sd.systemd import notes
from pm2sd.systemd.paths import runtime_directory


@dataclass(frozen=True, slots=True)
class Trial:
    """How things stood with an app.

    ``files`` are the texts of those that change, by path, None where there was none; ``instances``
    those that run; ``stopped`` the units that are stopped for the change, and perhaps started anew,
    ``added`` those that are only started; ``owed`` what had to be restarted already and ``since``
    the moment of the note, both as in pending.
    """

    files: Mapping[str, str | None]
    instances: Sequence[str]
    stopped: Sequence[str]
    added: Sequence[str]
    owed: Mapping[str, int]
    since: int


_FIELDS: Final = {field.name for field in fields(Trial)}


def load(directory: Path | None = None) -> dict[str, Trial]:
    """The trials by app; empty without a note.

    Raises Pm2sdError for a file that pm2sd did not write.
    """
    note = notes.load(_path(directory), _is_ours, "apply again") or {}
    return {app: Trial(**values) for app, values in note.items()}


def save(trials: Mapping[str, Trial], directory: Path | None = None) -> None:
    """Note these trials, and no others. Raises Pm2sdError."""
    path = _path(directory)
    if trials:
        notes.save(path, {app: asdict(trial) for app, trial in trials.items()})
    else:
        notes.clear(path)


def _is_ours(note: Any) -> bool:
    return isinstance(note, dict) and all(
        isinstance(values, dict) and values.keys() == _FIELDS for values in note.values()
    )


def _path(directory: Path | None) -> Path:
    return (directory or runtime_directory()) / "trials.json"
