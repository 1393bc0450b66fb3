"""Which sockets an app's instances share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pm2sd.ecosystem.app import ExecMode
from pm2sd.ecosystem.instances import count
from pm2sd.ecosystem.node_programs import is_node_program
from pm2sd.ecosystem.serving import SERVE, address
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity

_SHARE = (
    "no port is known that the instances could share, and where each opens the same one all but "
    "the first fail: write listen: 3000 (--listen 3000 without a file) with the port that the app "
    "listens on, or set PORT in env"
)
_KEEP = (
    "no port is known that could stay open while the app is reloaded; if it listens on one, "
    "write listen: 3000 (--listen 3000 without a file) with that port, or set PORT in env"
)


def listen(
    subject: Subject, mode: ExecMode, command: Sequence[str], env: Mapping[str, str]
) -> tuple[str, ...]:
    """The sockets of ``listen``; without it the port of a cluster of Node apps.

    Only there, because the preload makes such an app use the socket; any other app would find its
    port taken. Where nothing says the port, the user is told what to write.
    """
    written = subject.declared.values.get("listen")
    if isinstance(written, tuple):
        return written
    if subject.get("script", str) == SERVE:
        # One process alone opens its socket itself.
        return (address(env),) if count(subject) > 1 else ()
    if mode != "cluster" or not is_node_program(command):
        return ()
    port = subject.get("port", int) or _port(env.get("PORT"))
    if subject.get("increment_var", str) == "PORT":
        return ()
    if port:
        return (str(port),)
    if not subject.is_refused("listen"):
        several = count(subject) > 1
        subject.note("listen", Fidelity.APPROXIMATE, _SHARE if several else _KEEP)
    return ()


def _port(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdecimal():
        return None
    return int(text) if 1 <= int(text) <= 65_535 else None
