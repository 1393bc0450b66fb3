"""Paths as users write them, made absolute; programs looked up; names guessed for hints."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from pm2sd.ecosystem.machine import Machine

_WINDOWS_PATH = re.compile(r"(^|/)[A-Za-z]:[\\/]")
_SHELL_VARIABLE = re.compile(r"\$\{?\w|`|\$\(")


def absolute(path: str, base: str, home: str) -> str:
    """The path from ``base``, with ``~`` for the home directory; ``.`` and ``..`` are resolved.

    By their letters only, as Node's ``path.resolve`` does: symbolic links are kept.
    """
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    normal = posixpath.normpath(posixpath.join(base, path))
    return f"/{normal.lstrip('/')}" if normal.startswith("/") else normal


@dataclass(frozen=True, slots=True)
class Finder:
    """Where an app's files and programs are looked for: its directory and its PATH."""

    machine: Machine
    cwd: str
    search_path: str | None

    def file(self, path: str) -> str:
        """The absolute path of what the user wrote relative to the app's directory."""
        return absolute(path, self.cwd, self.machine.home)

    def program(self, name: str) -> str | None:
        """The absolute path of a program: in the app's own PATH, then in the caller's.

        The link found is kept and not followed: a virtual environment's Python, the shims of nvm,
        volta and pyenv, and /etc/alternatives all depend on the name they are called by, and a
        shim keeps working when what it points to is upgraded.
        """
        if not name or "/" in name:
            return None
        return self.machine.which(name, self.search_path) or self.machine.which(name)


def guess_path(machine: Machine, path: str) -> str | None:
    """What the user may have meant by a path where nothing is; a hint, or None."""
    if _WINDOWS_PATH.search(path):
        return "this is a path of Windows"
    if _SHELL_VARIABLE.search(path):
        return unexpanded(path)
    parent, name = posixpath.split(path)
    directory = parent
    while directory != "/" and not machine.is_directory(directory):
        directory, name = posixpath.split(directory)
    near = _nearest(name, machine.list_directory(directory))
    if name == "node_modules":
        return f"there is no node_modules in {directory}: npm install makes it"
    guess = f"did you mean {near!r}?" if near else ""
    if directory == parent:
        return guess or None
    return f"there is no {name!r} in {directory}" + (f"; {guess}" if guess else "")


def unexpanded(text: str) -> str | None:
    """A hint for shell syntax in a value that no shell reads, or None."""
    if not _SHELL_VARIABLE.search(text):
        return None
    return (
        "variables are not expanded here: write the value out, or use an ecosystem.config.js "
        "with process.env"
    )


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """The name most like this one; one that only adds an extension comes first."""
    candidates = list(names)
    for candidate in candidates:
        if posixpath.splitext(candidate)[0] == name:
            return candidate
    near = get_close_matches(name, candidates, n=1)
    return near[0] if near else None
