"""Who has accepted a connection: the one thing that tells which of several instances answers.

Where instances share a listening socket a connection reaches any of them. The kernel knows which:
the other end of an accepted connection is a descriptor of the process that accepted it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")

# sock_diag(7) and linux/unix_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_ALL_STATES = 0xFFFFFFFF
_UDIAG_SHOW_PEER = 4
_UNIX_DIAG_PEER = 2
_NO_COOKIE = 0xFFFFFFFF


def accepted(connection: socket.socket) -> int:
    """The inode of the other end of a connection; 0 as long as nobody has accepted it.

    Raises OSError where the kernel does not tell.
    """
    if connection.family == socket.AF_UNIX:
        return _unix_peer(os.fstat(connection.fileno()).st_ino)
    ours, theirs = connection.getsockname()[1], connection.getpeername()[1]
    local, remote = f":{theirs:04X}", f":{ours:04X}"
    for table in _TABLES:
        with suppress(FileNotFoundError), open(table, encoding="ascii") as lines:
            for line in lines:
                if remote in line:
                    fields = line.split()
                    if fields[1].endswith(local) and fields[2].endswith(remote):
                        return int(fields[9])
    raise OSError("the other end of the connection is not on this machine")


def _unix_peer(inode: int) -> int:
    """The peer's inode, by sock_diag(7). A peer that was not accepted yet has none."""
    request = struct.pack(
        "=IHHIIBBHIIIII",
        *(40, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0),
        *(socket.AF_UNIX, 0, 0, _ALL_STATES, inode, _UDIAG_SHOW_PEER, _NO_COOKIE, _NO_COOKIE),
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(request)
        answer = kernel.recv(8192)
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind != _SOCK_DIAG_BY_FAMILY:
        raise OSError("the kernel does not tell who is connected to a Unix socket")
    at = 32  # after nlmsghdr and unix_diag_msg
    while at + 4 <= len(answer):
        size, what = struct.unpack_from("=HH", answer, at)
        if what == _UNIX_DIAG_PEER:
            return int(struct.unpack_from("=I", answer, at + 4)[0])
        at += max(4, (size + 3) & ~3)
    return 0


def holds(pids: Iterator[int], inode: int) -> bool:
    """Whether one of the processes has a socket open."""
    wanted = f"socket:[{inode}]"
    for pid in pids:
        directory = f"/proc/{pid}/fd"
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            with suppress(OSError):
                if os.readlink(f"{directory}/{name}") == wanted:
                    return True
    return False


def instance_of(pid: int) -> Iterator[int]:
    """The processes in the control group of a process, and in those below it."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as lines:
        paths = [
            path
            for _, controllers, path in (line.rstrip("\n").split(":", 2) for line in lines)
            if controllers in ("", "name=systemd")
        ]
    for root in _GROUPS:
        for path in paths:
            if path != "/" and os.path.isfile(f"{root}{path}/cgroup.procs"):
                for directory, _, _ in os.walk(root + path):
                    with open(f"{directory}/cgroup.procs", encoding="ascii") as found:
                        yield from map(int, found.read().split())
                return
    yield pid
