"""Where an app's output goes: the journal, or the files the user named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pm2sd.ecosystem.app import App
from pm2sd.units import names
from pm2sd.units.model import INSTANCE, JOURNAL, NULL, Output, Specifier, Text

SYSTEMD_CAT = "/usr/bin/systemd-cat"


@dataclass(frozen=True, slots=True)
class Streams:
    """An app's standard streams, and the command it is started through to keep them apart."""

    output: Output
    error: Output
    identifier: Text
    level: Literal["info", "err"]
    wrapper: tuple[Text, ...] = ()


def streams(app: App) -> Streams:
    """The streams of every instance; ``INSTANCE`` stands for its number.

    systemd sends both streams to the journal with one priority. Where both go there, systemd-cat
    connects them apart (info and err) and then executes the program in its place; where only one
    does, SyslogLevel= says which it is.
    """
    identifier: Text = (f"{names.unit_name(app.name)}@", INSTANCE)
    if app.disable_logs:
        return Streams(NULL, NULL, identifier, "info")
    output = _output(app.out_file or app.log_file, app)
    error = _output(app.error_file or app.log_file, app)
    if output == error == JOURNAL:
        return Streams(output, error, identifier, "info", _systemd_cat(identifier))
    return Streams(output, error, identifier, "err" if error == JOURNAL else "info")


def _systemd_cat(identifier: Text) -> tuple[Text, ...]:
    parts = identifier if isinstance(identifier, tuple) else (identifier,)
    return (
        SYSTEMD_CAT,
        "--priority=info",
        "--stderr-priority=err",
        "--level-prefix=false",
        ("--identifier=", *parts),
        "--",
    )


def _output(path: str | None, app: App) -> Output:
    if path is None:
        return JOURNAL
    if path == "/dev/null":
        return NULL
    return Output("append", path if app.merge_logs else numbered(path))


def numbered(path: str) -> tuple[str | Specifier, ...]:
    """A log file's path with the instance's number in it: ``-0`` before ``.log``, as PM2 does."""
    stem = path.removesuffix(".log")
    return (f"{stem}-", INSTANCE, path[len(stem) :])


def log_files(app: App) -> tuple[tuple[str, str], ...]:
    """The files the app's instances write: pairs of the stream ("out", "err") and a path."""
    files = []
    current = streams(app)
    for stream, output in (("out", current.output), ("err", current.error)):
        if output.kind == "append":
            numbers = range(1 if app.merge_logs else app.instances)
            files += [(stream, fill_in(output.path, number)) for number in numbers]
    return tuple(files)


def fill_in(text: Text, number: int) -> str:
    """A text with the instance's number filled in, as systemd will."""
    if isinstance(text, str):
        return text
    return "".join(str(number) if part is INSTANCE else str(part) for part in text)
