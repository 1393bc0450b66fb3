"""PM2's apps as an ecosystem file on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pm2sd.control.login import login_environment
from pm2sd.control.pm2 import pm2_home
from pm2sd.errors import Pm2sdError
from pm2sd.moving.apps import Here, Moved, moved_apps
from pm2sd.moving.processes import Process
from pm2sd.moving.secret_files import secret_files
from pm2sd.moving.text import ecosystem_text, holds_secrets
from pm2sd.systemd.durable import failure, replace
from pm2sd.systemd.machine import ThisMachine

FILE = "ecosystem.yaml"


@dataclass(frozen=True, slots=True)
class Imported:
    """PM2's apps as files: the ecosystem file's text, and the secrets beside it.

    ``secrets`` are texts by path below the file's directory; ``is_secret`` says whether the
    ecosystem file itself must not be read by everybody. ``modules`` are PM2's, which are no apps.
    """

    apps: tuple[Moved, ...]
    modules: tuple[str, ...]
    text: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    is_secret: bool


def imported(processes: Sequence[Process], origin: str, directory: Path | None) -> Imported:
    """The apps of some processes; ``origin`` is what the file calls these.

    ``directory`` is where the file will stand; without one there are no files beside it, and it
    holds all secrets itself. Raises Pm2sdError where there is no app.
    """
    machine = ThisMachine()
    apps = moved_apps(processes, Here(machine, login_environment(), str(pm2_home())))
    modules = tuple(dict.fromkeys(one.name for one in processes if one.is_module))
    if not apps:
        raise Pm2sdError(f"there is no app in {origin}", hint="pm2 list shows what PM2 runs")
    files = secret_files(apps, str(directory.absolute()), machine.home) if directory else {}
    return Imported(
        apps,
        modules,
        ecosystem_text(apps, origin=origin, remarks=_remarks(modules), files=files),
        {file.path: file.text for file in files.values()},
        holds_secrets(apps, files),
    )


def _remarks(modules: Iterable[str]) -> list[str]:
    return [
        f"PM2's module {name} is not an app, and was left out"
        + (
            ": pm2sd logrotate does the same for log files, with its settings"
            if name == "pm2-logrotate"
            else ""
        )
        for name in modules
    ]


def write(path: Path, found: Imported, *, force: bool) -> None:
    """Write the ecosystem file and the secrets beside it, each whole or not at all.

    What holds secrets only its owner may read. Raises Pm2sdError for a file that exists, unless
    with ``force``, or where it is one of secrets and holds these already.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise Pm2sdError(f"{path} will be YAML", hint=f"call it {path.stem}.yaml")
    secrets = {path.parent / below: text for below, text in found.secrets.items()}
    if not force:
        for target in (path, *secrets):
            if os.path.lexists(target) and not _holds(target, secrets.get(target)):
                raise Pm2sdError(
                    f"{target} exists already",
                    hint="move it away, or replace it: pm2sd import --force",
                )
    try:
        for target, text in secrets.items():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            replace(target, text.encode())
        replace(path, found.text.encode(), 0o600 if found.is_secret else 0o644)
    except FileNotFoundError as error:
        raise Pm2sdError(f"there is no directory {path.parent}") from error
    except OSError as error:
        raise failure(error, "write", path) from error


def _holds(path: Path, text: str | None) -> bool:
    try:
        return text is not None and path.read_bytes() == text.encode()
    except OSError:
        return False
