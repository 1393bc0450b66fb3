"""What apps print, for a terminal that nobody but us is to command."""

from __future__ import annotations

import re
from typing import Final

# ECMA-48: CSI (colours, the cursor) and OSC (titles, the clipboard), then every other control.
_CONTROLS: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def without_controls(text: str) -> str:
    """The text without control sequences and control characters but tabs and newlines."""
    return _CONTROLS.sub("", text)
