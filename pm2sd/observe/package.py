"""The version an app says it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

UNKNOWN: Final = "N/A"

_LARGEST: Final = 1 << 20


def version(script: str) -> str:
    """The version in the nearest ``package.json`` at or above the script, or ``N/A``.

    PM2: lib/Utility.js, findPackageVersion.
    """
    for directory in Path(script).parents:
        path = directory / "package.json"
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(_LARGEST)).get("version")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError):
            return UNKNOWN
        return found if isinstance(found, str) and found else UNKNOWN
    return UNKNOWN
