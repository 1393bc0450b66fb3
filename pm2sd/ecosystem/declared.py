"""One app as the user declared it: options parsed, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pm2sd.ecosystem.nodes import Node
from pm2sd.errors import Location
from pm2sd.notes import Note


@dataclass(frozen=True, slots=True)
class Declared:
    """The options of one app under their canonical names, parsed to the table's value types.

    Only options that were written are in ``values``; ``nodes`` has the node of each, for messages.
    ``env_NAME`` blocks stand under their own key. ``notes`` are what the options table alone can
    say: options without effect, options not carried yet.
    """

    values: Mapping[str, object]
    nodes: Mapping[str, Node]
    where: Location
    notes: tuple[Note, ...] = ()

    def place(self, option: str) -> Location:
        """Where an option was written, or the app itself when it was not."""
        node = self.nodes.get(option)
        return node.where if node else self.where
