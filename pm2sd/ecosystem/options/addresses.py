"""Where an app listens: ports, addresses with ports, paths of Unix sockets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.types import Fault, Refused, Schema, ValueType, shown, unfit

_PORT = re.compile(r"(?:(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^:\[\]]*)):)?(?P<port>\d{1,5})", re.ASCII)
_EVERYWHERE = frozenset({"", "*"})
_NAMES = {"localhost": "127.0.0.1"}

# sun_path of unix(7), without the final NUL.
_LONGEST_PATH = 107


@dataclass(frozen=True, slots=True)
class Listen(ValueType):
    """Sockets to listen on; one stands for a list of one."""

    label: str = "a port, host:port, [v6]:port, an absolute path, or a list of them"

    def parse(self, node: Node) -> tuple[str, ...]:
        """The addresses: ``3000``, ``127.0.0.1:3000``, ``[::1]:3000``, ``/path``; each once."""
        items = node.value if isinstance(node.value, tuple) else (node,)
        faults: list[Fault] = []
        found: list[str] = []
        for item in items:
            try:
                found.append(self._address(item))
            except Refused as refused:
                faults += refused.faults
        twice = {address for address in found if found.count(address) > 1}
        if twice and not faults:
            faults.append(Fault(f"{min(twice)} is listed twice", node=node))
        if faults:
            raise Refused(*faults)
        return tuple(found)

    def _address(self, node: Node) -> str:
        match node.value:
            case bool():
                raise self._wrong(node)
            case int() as port:
                return self._with_port(node, "", str(port))
            case str() as text if text.startswith("/"):
                return self._path(node, text)
            case str() as text if match := _PORT.fullmatch(text.strip()):
                host = match["v6"] if match["v6"] is not None else match["v4"] or ""
                return self._with_port(node, host, match["port"], v6=match["v6"] is not None)
            case str() as text if "/" in text or text.endswith(".sock"):
                raise self._wrong(node, "the path of a socket is absolute")
            case str():
                raise self._wrong(node)
        raise self._wrong(node)

    def _with_port(self, node: Node, host: str, port: str, *, v6: bool = False) -> str:
        number = int(port)
        if not 1 <= number <= 65_535:
            raise self._wrong(node, "ports go from 1 to 65535")
        host = _NAMES.get(host, host)
        if not v6 and host in _EVERYWHERE:
            return str(number)
        try:
            return f"[{IPv6Address(host)}]:{number}" if v6 else f"{IPv4Address(host)}:{number}"
        except ValueError:
            raise self._wrong(
                node, "write the host as an IP address, which systemd needs"
            ) from None

    def _path(self, node: Node, path: str) -> str:
        reason = unfit(path)
        if reason or path.endswith("/") or re.search(r"[\n\r]|^\s|[\s\\]$", path):
            raise self._wrong(node, reason)
        if len(path.encode()) > _LONGEST_PATH:
            raise self._wrong(node, f"the path of a socket has at most {_LONGEST_PATH} bytes")
        return path

    def _wrong(self, node: Node, hint: str | None = None) -> Refused:
        return Refused(Fault(f"expected {self.label}; got {shown(node)}", hint, node))

    def schema(self) -> Schema:
        """A port, a string, or an array of both."""
        one: Schema = {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65_535},
                {"type": "string", "pattern": r"^(/.*[^/]|((\[.*\]|[^:/]*):)?\d{1,5})$"},
            ]
        }
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}
