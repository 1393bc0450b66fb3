"""``unit``: directives that the systemd in question does not know, and would pass over silently."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pm2sd.ecosystem.directive_versions import CAME, NEWEST, WENT
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity


def check_directives(subject: Subject) -> None:
    """A problem for every unknown directive, at its place; names with ``X-`` are nobody's.

    For another machine's systemd this one's list counts, but for what the versions between them
    brought or ended. Of a version that is too new for that, a note says what was not checked.
    """
    node = subject.declared.nodes.get("unit")
    if node is None or subject.is_refused("unit") or not isinstance(node.value, Mapping):
        return
    for section, directives in node.value.items():
        here = subject.machine.directives(section)
        if not isinstance(directives.value, Mapping):
            continue
        for name, value in directives.value.items():
            if name.startswith("X-"):
                continue
            known = _is_known(section, name, here, subject.machine.target)
            if known is None:
                text = f"nothing here tells whether systemd {subject.machine.target} knows {name}="
                subject.note("unit", Fidelity.APPROXIMATE, text)
            elif not known:
                which = (
                    f"systemd {subject.machine.target}"
                    if subject.machine.target
                    else "this systemd"
                )
                message = f"{which} knows no {name}= in [{section}]"
                hint = _hint(section, name, here)
                subject.problem("unit", message, hint, value.key_where or value.where)


def _is_known(section: str, name: str, here: frozenset[str], target: int | None) -> bool | None:
    """Whether a systemd knows a directive, None where that cannot be told.

    ``here`` is what this machine's systemd knows, empty where it does not say; ``target`` the
    version in question, None for this machine's.
    """
    if target is None:
        return name in here or not here
    came, went = CAME[section].get(name), WENT[section].get(name)
    if came or went:
        return (came or 0) <= target < (went or target + 1)
    if name in here:
        return True
    return False if here and target <= NEWEST else None


def _hint(section: str, name: str, here: frozenset[str]) -> str:
    if came := CAME[section].get(name):
        return f"it came with systemd {came}"
    if went := WENT[section].get(name):
        return f"it went with systemd {went}"
    near = get_close_matches(name, here, n=1)
    return f"did you mean {near[0]}?" if near else "man systemd.directives lists them"
