"""Ordinary data as the nodes of a configuration, for the options table to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pm2sd.ecosystem.nodes import Node, Plain
from pm2sd.errors import Location

_NOWHERE: Final = Location("PM2's list")


def node_of(value: Plain) -> Node:
    """The value as a node that stands nowhere."""
    match value:
        case Mapping():
            return Node({key: node_of(item) for key, item in value.items()}, _NOWHERE)
        case list():
            return Node(tuple(node_of(item) for item in value), _NOWHERE)
        case scalar:
            return Node(scalar, _NOWHERE)
