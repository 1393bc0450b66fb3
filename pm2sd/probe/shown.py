"""What systemctl(1) shows of an app's instances."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def shown(app: str, properties: Sequence[str]) -> list[dict[str, str]]:
    """The properties, ``Id`` among them, of the loaded instances of ``app`` (its unit name)."""
    text = _output(
        *("systemctl", "--user", "show", f"--property={','.join(properties)}"),
        *("--", f"{app}@*.service"),
    )
    blocks = (
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    )
    return [values for values in blocks if "Id" in values]


def _output(*command: str) -> str:
    """What a command prints; without subprocess, which takes longer to import than this to run."""
    reading, writing = os.pipe()
    pid = os.posix_spawnp(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)]
    )
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text
