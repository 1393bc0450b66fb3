"""The line that makes a file ours."""

from __future__ import annotations

from typing import Final

MARK_PREFIX: Final = "# Managed by pm2sd"
