"""``NAME.socket``: the listening sockets that an app's instances inherit."""

from __future__ import annotations

from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.units import names
from pm2sd.units.model import INSTANCE, Mark, Socket, SocketKeeper, Text

DESCRIPTOR_NAME: Final = "pm2sd"
"""What the descriptors are called in LISTEN_FDNAMES; the preload for Node looks for it."""


def socket_of(app: App) -> Text | None:
    """The unit whose sockets an instance inherits; None without ``listen``."""
    if not app.listen:
        return None
    if app.reuse_port:
        return (f"{names.unit_name(app.name)}@", INSTANCE, ".socket")
    return names.socket(app.name)


def sockets(app: App, mark: Mark) -> Auxiliary:
    """The sockets of an app: one unit for all instances or, with ``reuse_port``, one for each.

    The shared one has a keeper, which a connection starts when no instance runs: systemd insists
    on starting something, and it must not be an instance that the user stopped; with
    ``idle_timeout`` that is what a connection is for. All are opened
    with ReusePort=: where an instance reaches its start limit, systemd closes the socket that the
    others still serve (socket_trigger_notify in socket.c), and must be able to open it beside them.
    """
    if not app.listen:
        return Auxiliary()
    target = names.target(app.name)
    if app.reuse_port:
        own = Socket(
            name=names.socket_template(app.name),
            mark=mark,
            description=(f"{app.name} (sockets of instance ", INSTANCE, ")"),
            part_of=target,
            listen=app.listen,
            descriptor_name=DESCRIPTOR_NAME,
            backlog=app.backlog,
        )
        numbers = range(app.instances)
        return Auxiliary((own,), tuple(names.instance_socket(app.name, n) for n in numbers))
    on_demand = app.idle_timeout is not None
    keeper = names.auxiliary(app.name, "socket", "service")
    shared = Socket(
        name=names.socket(app.name),
        mark=mark,
        description=f"{app.name} (sockets)",
        part_of=target,
        listen=app.listen,
        descriptor_name=DESCRIPTOR_NAME,
        backlog=app.backlog,
        service=names.instance(app.name, 0) if on_demand else keeper,
    )
    if on_demand:
        return Auxiliary((shared,), (shared.name,))
    keeping = SocketKeeper(
        name=keeper,
        mark=mark,
        description=f"{app.name} (has connections, but no instance runs)",
        socket=shared.name,
        slice=names.slice_name(app.name),
    )
    return Auxiliary((shared, keeping), (shared.name,))
