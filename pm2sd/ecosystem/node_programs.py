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


def runs_node(interpreter: str, command: Sequence[str]) -> bool:
    """Whether Node runs an app, itself or below a launcher such as npm or a shell."""
    words = [word for argument in command for word in re.split(r"[\s;&|]+", argument)]
    return any(posixpath.basename(word) in _RUNS_NODE for word in (interpreter, *words))
