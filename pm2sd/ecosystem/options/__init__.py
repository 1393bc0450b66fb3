"""The options table: every option of an app, its type, its meaning, what it becomes.

Validation, the command line, the JSON Schema, ``explain`` and ``docs/conversion.md`` all come from
these rows. PM2's side was read from its sources, version 7.0.4 (lib/API/schema.json,
lib/tools/Config.js, lib/Common.js) and tried out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pm2sd.ecosystem.options.environment import ENV_BLOCK, ENVIRONMENT
from pm2sd.ecosystem.options.logs import LOGS
from pm2sd.ecosystem.options.model import Flag, Option, Section, Zero
from pm2sd.ecosystem.options.monitoring import INTERNAL, MONITORING
from pm2sd.ecosystem.options.nearest import nearest_of
from pm2sd.ecosystem.options.ours import OURS
from pm2sd.ecosystem.options.restart import RESTART
from pm2sd.ecosystem.options.run import RUN
from pm2sd.ecosystem.options.stop import STOP
from pm2sd.ecosystem.options.watch import WATCH

__all__ = [
    "ASIDE_PATTERN",
    "ENV_BLOCK",
    "ENV_BLOCK_PATTERN",
    "FLAGS",
    "OPTIONS",
    "Flag",
    "Option",
    "Section",
    "Zero",
    "find",
    "nearest",
]

OPTIONS: tuple[Option, ...] = (
    *RUN,
    *RESTART,
    *STOP,
    *LOGS,
    *ENVIRONMENT,
    ENV_BLOCK,
    *WATCH,
    *MONITORING,
    *INTERNAL,
    *OURS,
)

# PM2's own pattern for env_NAME blocks (lib/API/schema.json), with a name that is not empty.
ENV_BLOCK_PATTERN = r"^env_\S+$"
_ENV_BLOCK = re.compile(ENV_BLOCK_PATTERN)

# Keys that are nobody's option: comments, YAML anchors to merge from, a schema for the editor.
ASIDE_PATTERN = r"^(_|//|#|x-|\$)"

_BY_SPELLING: Mapping[str, Option] = MappingProxyType(
    {
        spelling: option
        for option in OPTIONS
        if option is not ENV_BLOCK
        for spelling in option.spellings
    }
)

# Every flag of PM2's command line that stands for an option.
FLAGS: Mapping[str, tuple[Option, Flag]] = MappingProxyType(
    {
        spelling: (option, flag)
        for option in OPTIONS
        for flag in option.flags
        for spelling in flag.spellings
    }
)


def find(key: str) -> Option | None:
    """The row of a key: a name, an alias, a camelCase form, or an ``env_NAME`` block."""
    option = _BY_SPELLING.get(key)
    if option is None and _ENV_BLOCK.match(key):
        return ENV_BLOCK
    return option


def nearest(key: str) -> str | None:
    """The spelling of an option that ``key`` is a slip of, or None."""
    return nearest_of(key, _spellings())


@cache
def _spellings() -> tuple[str, ...]:
    # Names before aliases: of two that are equally near the name is the better hint.
    names = (option.name for option in OPTIONS if option is not ENV_BLOCK)
    return tuple(dict.fromkeys((*names, *_BY_SPELLING)))
