"""What listen accepts, and what it says about the rest."""

from __future__ import annotations

import pytest

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.addresses import Listen
from pm2sd.ecosystem.options.types import Refused
from pm2sd.errors import Location

HERE = Location("ecosystem.yaml", 1, 1)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        (0, "ports go from 1 to 65535"),
        (65536, "ports go from 1 to 65535"),
        ("99999", "ports go from 1 to 65535"),
        ("example.org:3000", "write the host as an IP address, which systemd needs"),
        ("256.1.1.1:3000", "write the host as an IP address, which systemd needs"),
        ("[1.2.3.4]:3000", "write the host as an IP address, which systemd needs"),
        ("::1:3000", None),
        ("app.sock", "the path of a socket is absolute"),
        ("run/app", "the path of a socket is absolute"),
        ("/run/", None),
        ("/" + "x" * 107, "the path of a socket has at most 107 bytes"),
        (True, None),
        (3000.5, None),
        ("", None),
    ],
)
def test_what_is_no_address_is_refused(written: object, hint: str | None) -> None:
    with pytest.raises(Refused) as refused:
        Listen().parse(Node(written, HERE))  # type: ignore[arg-type]
    (fault,) = refused.value.faults
    assert fault.message.startswith("expected a port")
    assert fault.hint == hint


def test_every_wrong_address_of_a_list_is_told() -> None:
    with pytest.raises(Refused) as refused:
        Listen().parse(Node((Node(0, HERE), Node(80, HERE), Node("x", HERE)), HERE))
    assert len(refused.value.faults) == 2


def test_an_address_is_listed_once() -> None:
    with pytest.raises(Refused, match="listed twice"):
        Listen().parse(Node((Node(3000, HERE), Node("*:3000", HERE)), HERE))
