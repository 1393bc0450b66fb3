"""``unit``: directives that this machine's systemd does not know, and would pass over silently."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pm2sd.ecosystem.subject import Subject
from pm2sd.errors import Location


def check_directives(subject: Subject) -> None:
    """A problem for every unknown directive, at its place; names with ``X-`` are nobody's."""
    node = subject.declared.nodes.get("unit")
    if node is None or subject.is_refused("unit") or not isinstance(node.value, Mapping):
        return
    for section, directives in node.value.items():
        known = subject.machine.directives(section)
        if not known or not isinstance(directives.value, Mapping):
            continue
        for name, value in directives.value.items():
            if name not in known and not name.startswith("X-"):
                _unknown(subject, section, name, known, value.key_where or value.where)


def _unknown(
    subject: Subject, section: str, name: str, known: frozenset[str], where: Location
) -> None:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "man systemd.directives lists them"
    message = f"this systemd knows no {name}= in [{section}]"
    subject.problem("unit", message, hint, where)
