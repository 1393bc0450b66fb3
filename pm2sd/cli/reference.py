"""init, schema, explain, version: what does not depend on any app."""

from __future__ import annotations

import platform
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from pm2sd import __version__
from pm2sd.cli import output
from pm2sd.cli.status import Json
from pm2sd.errors import NoUserManager, Pm2sdError


class FileFormat(StrEnum):
    """The kinds of ecosystem file that can be written."""

    JS = "js"
    YAML = "yaml"
    JSON = "json"


class Extent(StrEnum):
    """What PM2 calls the short form."""

    SIMPLE = "simple"


def init(
    extent: Annotated[
        Optional[Extent],  # noqa: UP045 - Typer reads it at run time
        typer.Argument(metavar="[simple]", help="Only what must be there.", show_default=False),
    ] = None,
    kind: Annotated[
        FileFormat, typer.Option("--format", help="The file's language.")
    ] = FileFormat.JS,
) -> None:
    """Write an ecosystem file to begin with. A file that exists is not touched."""
    from pm2sd.ecosystem.starter import FILES, starter

    path = Path(FILES[kind.value])
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter(kind.value, simple=extent is not None))
    except FileExistsError:
        raise Pm2sdError(
            f"{path} exists already", hint="remove it first, or give another --format"
        ) from None
    except OSError as error:
        raise Pm2sdError(f"cannot write {path.absolute()}: {error.strerror}") from error
    output.emit(f"wrote {path}; change it to your app, then: pm2sd apply")


def schema() -> None:
    """Print the JSON Schema of ecosystem files, for editors and checks."""
    from pm2sd.ecosystem.schema import schema as of_files

    output.emit_json(of_files())


def explain(
    options: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(
            metavar="[OPTION...]",
            help="Options of apps; without one, the list of all.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """What an option of the ecosystem file means in PM2, and what it becomes here."""
    from pm2sd.ecosystem import explain
    from pm2sd.ecosystem.options import OPTIONS

    if json:
        output.emit_json([explain.record(key) for key in options or [o.name for o in OPTIONS]])
    elif options:
        output.emit("\n".join(explain.explain(key) for key in options).rstrip("\n"))
    else:
        output.emit(explain.overview().rstrip("\n"))


def version(json: Json = False) -> None:
    """Print the versions of pm2sd, of the systemd that answers here, and of Python."""
    try:
        systemd = _systemd_version()
        missing = None
    except NoUserManager as none:
        systemd, missing = None, none.message
    if json:
        output.emit_json(
            {"pm2sd": __version__, "systemd": systemd, "python": platform.python_version()}
        )
        return
    output.emit(f"pm2sd {__version__}")
    output.emit(f"systemd {systemd or f'unknown: {missing}'}")
    output.emit(f"Python {platform.python_version()}")


def _systemd_version() -> str:
    from pm2sd.systemd.bus import Bus

    with Bus.open() as bus:
        return str(bus.manager("Version"))


def update() -> None:
    """Say that nothing has to be done: PM2's update brings its daemon to the version installed."""
    output.emit("nothing to update: pm2sd has no daemon, and a new version of it disturbs no app")
