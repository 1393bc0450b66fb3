"""Flags that PM2's users write with any command, and what is said where they mean nothing here.

A command that has such a flag itself deals with it; this table is for all the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Effect(Enum):
    """What becomes of a flag: it is obeyed, answered with a remark, or refused."""

    NO_COLOUR = auto()
    SILENT = auto()
    VERBOSE = auto()
    SYSTEM = auto()
    REMARK = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Anywhere:
    """One flag: its spellings, what it does, and a sentence about it.

    A flag is refused where going on without it would do something that the user did not ask for.
    ``commands`` restricts a row to some commands.
    """

    spellings: tuple[str, ...]
    effect: Effect
    text: str = ""
    takes_value: bool = False
    commands: tuple[str, ...] = ()


_REMARK, _REFUSED = Effect.REMARK, Effect.REFUSED
_DOCKER = "pm2sd builds no container images; in one, start the app itself"

_ROWS = (
    Anywhere(("--no-color",), Effect.NO_COLOUR),
    Anywhere(("--silent", "-s"), Effect.SILENT),
    Anywhere(("--verbose",), Effect.VERBOSE),
    Anywhere(("--system",), Effect.SYSTEM),
    Anywhere(("--mini-list", "-m"), _REMARK, "it is for the list; see pm2sd status --mini-list"),
    Anywhere(("--sort",), _REMARK, "it is for the list; see pm2sd status --sort", True),
    Anywhere(
        ("--update-env", "-a"),
        _REMARK,
        "apply always sets the variables as the file has them; restart and reload take the flag "
        "for apps started without a file",
    ),
    Anywhere(("--force", "-f"), _REMARK, "there is nothing to force"),
    Anywhere(
        ("--parallel",),
        _REMARK,
        "restart does all instances at once, reload one after the other",
        True,
    ),
    Anywhere(("--attach",), _REMARK, "start, restart, reload and stop take it; see pm2sd logs"),
    Anywhere(("--watch",), _REMARK, "watch -n1 pm2sd status shows the list again and again",
             commands=("status",)),
    Anywhere(("--watch",), _REMARK, "a stopped app is not watched, and watched again once started",
             commands=("stop", "delete")),
    Anywhere(
        ("--no-daemon",),
        _REFUSED,
        "there is no daemon to leave out: systemd runs the apps; to see what they print until "
        "Ctrl-C, use --attach instead",
    ),
    Anywhere(
        ("--ext",),
        _REFUSED,
        "changes of all files count; name what to leave out with --ignore-watch",
        True,
    ),
    Anywhere(("--format",), _REFUSED, "use --json for programs, --timestamp for people",
             commands=("logs",)),
    Anywhere(("--highlight",), _REFUSED, "pipe the output to grep --color -e WORD -e ''",
             commands=("logs",)),
    *(
        Anywhere((flag,), _REFUSED, _DOCKER, commands=("start",))
        for flag in ("--container", "--dist", "--image-name", "--node-version", "--fresh",
                     "--dockerdaemon")
    ),
)  # fmt: skip


def _by_spelling(rows: Iterable[Anywhere]) -> dict[str, tuple[Anywhere, ...]]:
    found: dict[str, tuple[Anywhere, ...]] = {}
    for row in rows:
        for spelling in row.spellings:
            found[spelling] = (*found.get(spelling, ()), row)
    return found


ANYWHERE: Final[Mapping[str, tuple[Anywhere, ...]]] = _by_spelling(_ROWS)
