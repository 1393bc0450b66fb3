"""The value of ``log_rotate``: files that an app opens itself, and the signal to open them anew."""

from __future__ import annotations

from typing import Final

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.lists import SignalName, Strings
from pm2sd.ecosystem.options.parts import Parts
from pm2sd.ecosystem.options.types import Fault, Refused


class _Patterns(Strings):
    """File names with shell patterns, which logrotate resolves."""

    __slots__ = ()

    def parse(self, node: Node) -> tuple[str, ...]:
        """The patterns, as they are written."""
        patterns = Strings.parse(self, node)
        if not patterns or not all(patterns):
            raise self.refuse(node, but="paths of log files")
        if any("\n" in pattern for pattern in patterns):
            raise Refused(Fault("logrotate takes no path with a line's end in it", node=node))
        return patterns


LOG_ROTATE: Final = Parts(
    "an object with files, and perhaps signal",
    {"files": _Patterns("a path, or a list of paths"), "signal": SignalName()},
    required=("files",),
)
