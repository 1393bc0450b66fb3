"""Which systemd manager a command works on: the user's own or, with ``--system``, the machine's.

It is the one thing about a command that every question to the machine depends on, so it is said
once, when the command line is read, before anything is asked.
"""

from __future__ import annotations

import re
from typing import Final

system = False
"""Whether it is the machine's."""


def wants_directory() -> str:
    """Where the links of enabled targets are, relative to the unit directory."""
    return "multi-user.target.wants" if system else "default.target.wants"


OF_APPS: Final = (
    *("apply", "cat", "delete", "describe", "diff", "doctor", "flush", "list", "logs", "reload"),
    *("restart", "resurrect", "save", "scale", "start", "startup", "status", "stop"),
)
"""Commands of ours that a hint may name and that work on apps."""

_OF_APPS: Final = re.compile(rf"\bpm2sd (?=({'|'.join(OF_APPS)})\b)")


def here(text: str) -> str:
    """A command line or hint that is written for a user's manager, for the one that is meant."""
    return _OF_APPS.sub("pm2sd --system ", text.replace("ctl --user ", "ctl ")) if system else text
