"""``interpreter: node@20.11``: the versions of Node that nvm, fnm and volta have installed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pm2sd.ecosystem.machine import Machine

_VERSION = re.compile(r"v?(\d+(?:\.\d+){0,2})")


@dataclass(frozen=True, slots=True)
class _Manager:
    """Where a version manager keeps its versions, one directory each.

    ``variable`` names the environment variable that moves its root; ``roots`` are the usual ones,
    below the home directory.
    """

    name: str
    variable: str
    roots: tuple[str, ...]
    versions: str
    program: str


_MANAGERS = (
    _Manager("nvm", "NVM_DIR", (".nvm", ".config/nvm"), "versions/node", "bin/node"),
    _Manager(
        "fnm", "FNM_DIR", (".local/share/fnm", ".fnm"), "node-versions", "installation/bin/node"
    ),
    _Manager("volta", "VOLTA_HOME", (".volta",), "tools/image/node", "bin/node"),
)


@dataclass(frozen=True, slots=True, order=True)
class Installed:
    """One installed version of Node: (20, 11, 1), and the absolute path of its program."""

    version: tuple[int, ...]
    path: str
    manager: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.version))} ({self.manager})"


def installed(machine: Machine) -> list[Installed]:
    """Every version found, the newest first; of equal ones nvm's, which is where PM2 looks."""
    found = [
        Installed(version, program, manager.name)
        for manager in _MANAGERS
        for root in _roots(manager, machine.home, machine.environ)
        for entry in machine.list_directory(posixpath.join(root, manager.versions))
        if (version := parse_version(entry)) is not None
        and machine.is_executable(
            program := posixpath.join(root, manager.versions, entry, manager.program)
        )
    ]
    return sorted(found, key=lambda one: one.version, reverse=True)


def _roots(manager: _Manager, home: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    moved = environ.get(manager.variable)
    return (moved,) if moved else tuple(posixpath.join(home, root) for root in manager.roots)


def parse_version(text: str) -> tuple[int, ...] | None:
    """``v20.11.1``, ``20.11`` or ``20`` as numbers; None for anything else."""
    match = _VERSION.fullmatch(text)
    return tuple(map(int, match[1].split("."))) if match else None


def newest(versions: list[Installed], wanted: tuple[int, ...]) -> Installed | None:
    """The newest installed version that begins with the numbers that were asked for."""
    return next((one for one in versions if one.version[: len(wanted)] == wanted), None)
