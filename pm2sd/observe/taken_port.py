"""The port that an app could not open, by what it said last, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from shlex import quote
from typing import Final

from pm2sd.observe.known import Known
from pm2sd.systemd.ports import refusal
from pm2sd.translate.node import is_node
from pm2sd.units import names

# Node's message, whose address may be ``::`` for all, and that of pm2sd's own server.
_IN_USE: Final = re.compile(
    r"(?:EADDRINUSE: address already in use |cannot listen on )\S*:(\d{1,5})"
    r"(?:: Address already in use)?$"
)


def advice(unit: str, lines: Sequence[str]) -> str | None:
    """A hint for an instance that said these lines; None where it found no port taken.

    Where another instance of the app has the port, all of them can share it. Where the app has a
    socket there, the process that wants the port was started without it.
    """
    port = next((found[1] for line in reversed(lines) if (found := _IN_USE.search(line))), None)
    refused = refusal(port) if port else None
    parsed = names.parse_instance(unit)
    if refused is None or parsed is None:
        return None
    stored = Known.read().stored.apps.get(parsed[0])
    if stored is None:
        return None
    if any(address.rpartition(":")[2] == port for address in stored.app.listen):
        return (
            f"systemd holds port {port} for {stored.app.name} (listen), but the process that wants "
            "it was not handed the socket by what started it: name it itself as script, or take "
            "listen out"
        )
    own = [holder for holder in refused.holders if holder.unit in stored.instances]
    app = stored.app
    if not own or not is_node(app):
        return f"port {port}: {refused.why}; {refused.hint}"
    share = f"pm2sd restart {quote(app.name)} --listen {port}"
    if app.source:
        share = f"write listen: {port} into {app.source}, and apply it"
    return f"each instance wants port {port}; to have them share it: {share}"
