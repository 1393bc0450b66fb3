"""Which files logrotate(8) is told to rotate."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pm2sd.systemd.paths import unit_directory

_CONFIGURATIONS: Final = (Path("/etc/logrotate.conf"), Path("/etc/logrotate.d"))
# The patterns stand before the brace; they may be in quotes.
_HEADS: Final = re.compile(r'(?m)^\s*((?:"[^"\n]+"|/[^\s{]+)(?:\s+(?:"[^"\n]+"|/[^\s{]+))*)\s*\{')
_PATTERN: Final = re.compile(r'"([^"]+)"|(\S+)')


def rotated_by_logrotate() -> Callable[[str], bool]:
    """Whether a path matches a pattern of the system's, or of ``~/.config/logrotate.conf``."""
    places = [*_CONFIGURATIONS, unit_directory().parents[1] / "logrotate.conf"]
    patterns = [
        pattern
        for place in places
        for file in (_files(place))
        for pattern in patterns_of(_text(file))
    ]
    return lambda path: any(fnmatchcase(path, pattern) for pattern in patterns)


def patterns_of(text: str) -> list[str]:
    """The patterns of a configuration's blocks."""
    return [
        quoted or plain for head in _HEADS.findall(text) for quoted, plain in _PATTERN.findall(head)
    ]


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        try:
            return sorted(place.iterdir())
        except OSError:
            return []
    return [place]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
