"""Whether a listening socket could be opened here, and which process is in the way."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FIRST_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens where we want to; ``unit`` is the systemd unit it runs in."""

    pid: int
    command: str
    unit: str

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid}, {self.unit})"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a socket cannot be opened; ``holders`` are the processes that could be found."""

    why: str
    hint: str
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP socket that listens; ``pid`` is None where the process is another user's.

    Sockets that systemd holds are its own, whoever accepts their connections.
    """

    host: str
    port: int
    pid: int | None


def listeners() -> tuple[Listener, ...]:
    """Every TCP socket of this machine that listens."""
    import psutil

    return tuple(
        Listener(one.laddr.ip, one.laddr.port, one.pid)
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr
    )


def holder(pid: int) -> Holder | None:
    """What is known of a process that listens; None where it ended or is another user's."""
    import psutil

    with suppress(psutil.Error, OSError):
        return Holder(pid, " ".join(psutil.Process(pid).cmdline()), _unit(pid))
    return None


def refusal(address: str) -> Refusal | None:
    """Why systemd could not listen on an address of ``App.listen``; None where it can."""
    if address.startswith("/"):
        return _refused_path(address)
    host, _, port = address.rpartition(":")
    try:
        _bind(host.strip("[]"), int(port))
    except OSError as error:
        return _explain(error, host, int(port))
    return None


def _refused_path(path: str) -> Refusal | None:
    """systemd replaces whatever stands at the path of a socket, and makes its directory."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return None
    if stat.S_ISSOCK(mode):
        return None
    return Refusal("something else stands there, which would be removed", "choose another path")


def _bind(host: str, port: int) -> None:
    """Take the port for a moment, as systemd does: all addresses are those of IPv6 and IPv4."""
    families = [socket.AF_INET] if "." in host else [socket.AF_INET6]
    if not host:
        families.append(socket.AF_INET)  # where the kernel has no IPv6
    for family in families:
        try:
            with socket.socket(family) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind((host, port))
            return
        except OSError as error:
            last = error
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                break
    raise last


def _explain(error: OSError, host: str, port: int) -> Refusal:
    if error.errno == errno.EADDRINUSE:
        holders = tuple(_holders(port))
        hint = f"stop it, or choose another port (ss -ltnp sport = {port})"
        by = f" by {', '.join(map(str, holders))}" if holders else " by another user's process"
        return Refusal(f"the port is taken{by}", hint, holders)
    if error.errno in (errno.EACCES, errno.EPERM):
        first = _FIRST_UNPRIVILEGED.read_text(encoding="ascii").strip()
        hint = f"sudo sysctl net.ipv4.ip_unprivileged_port_start={port} allows it to all users"
        return Refusal(f"ports below {first} are root's", hint)
    if error.errno == errno.EADDRNOTAVAIL:
        return Refusal(f"this machine has no address {host}", "ip address lists them")
    return Refusal(os.strerror(error.errno or 0), "choose another address")


def _holders(port: int) -> Iterator[Holder]:
    """The processes of ours that listen on a port; those of others cannot be seen."""
    for pid in sorted({one.pid for one in listeners() if one.port == port and one.pid}):
        if found := holder(pid):
            yield found


def _unit(pid: int) -> str:
    """The innermost unit in the process's control group."""
    path = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").strip().rpartition(":")[2]
    parts = [part for part in path.split("/") if part.endswith((".service", ".scope"))]
    return parts[-1] if parts else "no unit"
