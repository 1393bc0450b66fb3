"""alias: pm2 as another name of pm2sd, for fingers and scripts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pm2sd.cli.output import emit, say
from pm2sd.control import shim

_NAME = "pm2"


def alias(
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away again.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Overwrite a pm2 that is there.")
    ] = False,
) -> None:
    """Install pm2 as another name of pm2sd, in ~/.local/bin.

    A pm2 that is not pm2sd's is neither overwritten (without --force) nor removed. Says so where
    the shell would find another pm2 first.

    Examples:

      pm2sd alias

      pm2sd alias --remove
    """
    path = Path.home() / ".local/bin" / _NAME
    if remove:
        shim.remove(path)
        emit(f"removed {path}")
        return
    shim.install(path, [sys.executable, "-P", "-m", "pm2sd"], force=force)
    emit(f"wrote {path}")
    _tell_what_the_shell_finds(path)


def _tell_what_the_shell_finds(path: Path) -> None:
    directories = os.environ.get("PATH", "").split(os.pathsep)
    if str(path.parent) not in directories:
        say(f"{path.parent} is not in PATH; add to ~/.profile: PATH={path.parent}:$PATH")
    first = shim.first_in(directories, _NAME)
    if first is not None and not shim.is_ours(first):
        say(f"your shell finds {first} first; put {path.parent} before {first.parent} in PATH")
