"""``idle``: stop an instance that nobody has been connected to for a while.

    idle --app=NAME --timeout=MS ADDRESS...

For apps that cannot count their connections themselves, as Node's preload does. Its sockets stay
open: a connection that comes while it stops waits there, and has systemd start it again.
"""

from __future__ import annotations

import time
from contextlib import suppress

from pm2sd.probe.manager import Instance, instances, systemctl
from pm2sd.probe.orders import orders

_LAST_USED = "last-used"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTEN, _TIME_WAIT = "0A", "06"
_UNIX_CONNECTED = "03"


def main(arguments: list[str]) -> int:
    """Look once."""
    given = orders(arguments)
    for one in instances(given.text("app")):
        if are_used(given.words):
            one.remember(_LAST_USED, _now())
        elif _now() - _last_used(one) >= int(given.text("timeout")):
            systemctl("stop", "--no-block", "--", one.unit)
    return 0


def _now() -> int:
    return int(time.monotonic() * 1000)


def _last_used(one: Instance) -> int:
    return max(one.remembered(_LAST_USED), int(one.since * 1000))


def are_used(addresses: list[str]) -> bool:
    """Whether somebody is connected to one of the addresses (proc(5), net/tcp and net/unix)."""
    ports = {
        f":{int(address.rpartition(':')[2]):04X}" for address in addresses if address[0] != "/"
    }
    paths = {address for address in addresses if address[0] == "/"}
    for table in _TABLES if ports else ():
        with suppress(FileNotFoundError), open(table, encoding="ascii") as lines:
            next(lines)
            for line in lines:
                fields = line.split()
                if fields[1][-5:] in ports and fields[3] not in (_LISTEN, _TIME_WAIT):
                    return True
    if paths:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                row = line.rstrip("\n").split(maxsplit=7)
                if len(row) == 8 and row[7] in paths and row[5] == _UNIX_CONNECTED:
                    return True
    return False
