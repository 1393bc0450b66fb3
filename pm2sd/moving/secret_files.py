"""Secrets beside the ecosystem file: an env_file for each app that has some."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pm2sd.ecosystem.dotenv import Variable, parse
from pm2sd.ecosystem.finder import absolute
from pm2sd.moving.apps import Moved

DIRECTORY = "secrets"

_QUOTES = ("", "'", '"', "`")


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One app's file: its path below the ecosystem file's directory, and its text.

    ``written`` is how the app's ``env_file`` names it; ``names`` are the variables in it.
    """

    path: str
    text: str = field(repr=False)
    written: str
    names: frozenset[str]


def secret_files(apps: Iterable[Moved], directory: str, home: str) -> dict[str, SecretFile]:
    """The files by app, for an ecosystem file in ``directory`` (absolute).

    A secret that the syntax of such files cannot express is in none.
    """
    files: dict[str, SecretFile] = {}
    taken: set[str] = set()
    for app in apps:
        lines = {
            name: line
            for name, value in sorted(app.variables.secrets.items())
            if (line := _line(name, value)) is not None
        }
        if not lines:
            continue
        path = _free(re.sub(r"[^A-Za-z0-9._-]", "-", app.name), taken)
        cwd = absolute(str(app.options["cwd"]), directory, home)
        whole = posixpath.join(directory, path)
        files[app.name] = SecretFile(
            path=path,
            text="".join(lines.values()),
            written=path if cwd == directory else whole,
            names=frozenset(lines),
        )
    return files


def _free(stem: str, taken: set[str]) -> str:
    path, number = f"{DIRECTORY}/{stem}.env", 1
    while path in taken:
        number += 1
        path = f"{DIRECTORY}/{stem}-{number}.env"
    taken.add(path)
    return path


def _line(name: str, value: str) -> str | None:
    """The assignment that is read as this value again, or None."""
    for quote in _QUOTES:
        line = f"{name}={quote}{value}{quote}\n"
        read = [item for item in parse(line) if isinstance(item, Variable)]
        if [(one.name, one.value) for one in read] == [(name, value)] and _is_name(name):
            return line
    return None


def _is_name(name: str) -> bool:
    """Whether systemd takes it from an environment file (env-util.c, env_name_is_valid)."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def beside(app: Moved, file: SecretFile | None) -> Mapping[str, str]:
    """The secrets of an app that are not in its file."""
    names = file.names if file else frozenset()
    return {name: value for name, value in app.variables.secrets.items() if name not in names}
