"""Versions of Node beside the machine's own, as `fetch-node.sh` gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FETCHED: Final = Path(__file__).parents[1] / ".node"
_JAVASCRIPT_OF_DEBIANS: Final = Path("/usr/share/nodejs/cjs-module-lexer")


def programs(version: str) -> Path | None:
    """The directory of a Node by its major version, None where it was not fetched.

    18 is Debian's own where that can run: in the sandbox.
    """
    places = [FETCHED / version]
    if version == "18" and _JAVASCRIPT_OF_DEBIANS.exists():
        places.insert(0, FETCHED / "debian")
    found = (place / "bin" for place in places)
    return next((directory for directory in found if (directory / "node").exists()), None)
