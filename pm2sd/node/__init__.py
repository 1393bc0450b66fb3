"""What pm2sd loads into Node apps."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PRELOAD: Final = Path(__file__).with_name("preload.cjs")
"""The preload as it comes with pm2sd; its first lines say what it does and what it is told."""

PARTS: Final = PRELOAD.with_suffix("")
"""The directory of what it loads where it is needed; it has the preload's name, so that it is found
beside each copy."""
