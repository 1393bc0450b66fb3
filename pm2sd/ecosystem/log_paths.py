"""The files an app writes its output to, and what the user should know about them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.finder import Finder
from pm2sd.ecosystem.instances import written_mode
from pm2sd.ecosystem.machine import Machine
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity, Note

# What PM2's `time: true` stands for (lib/Common.js, verifyConfs).
TIME_FORMAT = "YYYY-MM-DDTHH:mm:ss"

_NOWHERE = "/dev/null"


@dataclass(frozen=True, slots=True)
class Logs:
    """The fields of an App that say where its output goes and how it is shown."""

    out_file: str | None
    error_file: str | None
    log_file: str | None
    merge_logs: bool
    disable_logs: bool
    log_date_format: str | None
    log_type: str | None
    rotate_files: tuple[str, ...]
    rotate_signal: str | None


def logs(subject: Subject, finder: Finder, name: str) -> Logs:
    """Where the output of the app called ``name`` goes; what is not named goes to the journal."""
    rotate: dict[str, Any] = subject.get("log_rotate", dict) or {}
    result = Logs(
        out_file=_path(subject, finder, "out_file"),
        error_file=_path(subject, finder, "error_file"),
        log_file=_combined(subject, finder, name),
        merge_logs=_merge_logs(subject),
        disable_logs=subject.get("disable_logs", bool) or False,
        log_date_format=TIME_FORMAT
        if subject.get("time", bool)
        else subject.get("log_date_format", str) or None,
        log_type=subject.get("log_type", str),
        rotate_files=tuple(map(finder.file, rotate.get("files", ()))),
        rotate_signal=rotate.get("signal"),
    )
    if not result.disable_logs:
        _tell(subject, result)
    return result


def _path(subject: Subject, finder: Finder, option: str) -> str | None:
    written = subject.get(option, str)
    return finder.file(written) if written else None


def _combined(subject: Subject, finder: Finder, name: str) -> str | None:
    """``log_file``; ``true`` is a file named like the app in the state directory.

    /dev/null means no combined file: the streams then go where they go without one.
    """
    if subject.get("log_file", bool):
        # PM2's rule for the names of log files (lib/Common.js, prepareAppConf).
        file_name = re.sub(r"[^a-zA-Z0-9.\\-]", "-", name)
        return posixpath.join(_state_directory(subject.machine), "logs", f"{file_name}.log")
    path = _path(subject, finder, "log_file")
    return None if path == _NOWHERE else path


def _state_directory(machine: Machine) -> str:
    """``$XDG_STATE_HOME/pm2sd``; the variable counts if it is absolute (basedir-spec)."""
    base = machine.environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        base = posixpath.join(machine.home, ".local/state")
    return posixpath.join(base, "pm2sd")


def _merge_logs(subject: Subject) -> bool:
    """Whether instances share a file.

    Unless it is written: yes where neither a cluster nor a number of instances was (PM2:
    lib/Common.js, verifyConfs, to which ``max`` is no number).
    """
    written = subject.get("merge_logs", bool)
    if written is not None:
        return written
    instances = subject.declared.values.get("instances")
    return written_mode(subject) != "cluster" and instances in (None, "max", 0)


def _tell(subject: Subject, logs: Logs) -> None:
    """What the options table cannot know; that files carry no timestamps is told there."""
    written = {logs.out_file or logs.log_file, logs.error_file or logs.log_file}
    if not logs.merge_logs and written - {None, _NOWHERE}:
        subject.note(
            "merge_logs",
            Fidelity.BETTER,
            "each instance has files of its own, with its number before .log, which stays; PM2 "
            "puts its pm_id there",
        )


def tell_of_shared(
    apps: Iterable[tuple[App, tuple[Note, ...]]],
) -> list[tuple[App, tuple[Note, ...]]]:
    """The apps of one configuration, with a note where instances of two write one file.

    Only what PM2 would keep apart: it numbers the processes of all apps together (pm_id), so that
    without ``merge_logs`` no two of them have the same file.
    """
    writers: dict[str, str] = {}
    told = []
    for app, notes in apps:
        shared: dict[str, list[str]] = {}
        for path in _numbered(app):
            if (writer := writers.setdefault(path, app.name)) != app.name:
                shared.setdefault(writer, []).append(path)
        told.append((app, (*notes, *(_of_both(*one) for one in shared.items()))))
    return told


def _of_both(writer: str, paths: Iterable[str]) -> Note:
    return Note(
        "merge_logs",
        Fidelity.APPROXIMATE,
        f"{writer} writes to {' and '.join(paths)}, too, where instances of the same number share "
        "a file; PM2 numbers the processes of all apps: give each app files of its own",
    )


def _numbered(app: App) -> dict[str, None]:
    """The files in whose names the instances' numbers are put."""
    if app.merge_logs or app.disable_logs:
        return {}
    paths = (app.out_file or app.log_file, app.error_file or app.log_file)
    return {path: None for path in paths if path and path != _NOWHERE}
