"""Which commands run Node."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Final

_RUNS_NODE: Final = frozenset(
    {"node", "nodejs", "npm", "npx", "pnpm", "pnpx", "yarn", "tsx", "ts-node", "nodemon"}
)

SHELLS: Final = frozenset({"bash", "sh", "dash", "zsh", "ksh"})
"""What runs scripts that may run anything, Node too."""


def is_node_program(command: Sequence[str]) -> bool:
    """Whether a command is Node or a launcher of it, not a shell that may run anything."""
    return posixpath.basename(command[0]) in _RUNS_NODE


def runs_node(interpreter: str, command: Sequence[str]) -> bool:
    """Whether Node runs an app, itself or below a launcher such as npm or a shell."""
    words = [word for argument in command for word in re.split(r"[\s;&|]+", argument)]
    return any(posixpath.basename(word) in _RUNS_NODE for word in (interpreter, *words))
