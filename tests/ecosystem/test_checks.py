"""The values of ``ready`` and ``health``."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options import find
from pm2sd.ecosystem.options.types import Refused
from pm2sd.errors import Location

HERE = Location("ecosystem.yaml", 1, 1)
DEFAULTS = {"interval": 10_000, "timeout": 3_000, "failures": 3, "grace": 0}


def node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({key: node(item) for key, item in value.items()}, HERE)
    if isinstance(value, list):
        return Node(tuple(map(node, value)), HERE)
    return Node(value, HERE)


def parsed(option: str, value: Any) -> Any:
    row = find(option)
    assert row
    return row.type.parse(node(value))


def faults(option: str, value: Any) -> list[tuple[str, str | None]]:
    with pytest.raises(Refused) as refused:
        parsed(option, value)
    return [(fault.message, fault.hint) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/health", {"http": "/health"}),
        ("http://localhost:3000/up?a=b", {"http": "http://localhost:3000/up?a=b"}),
        ("https://[::1]/", {"http": "https://[::1]/"}),
        (3000, {"tcp": "3000"}),
        ("3000", {"tcp": "3000"}),
        (":3000", {"tcp": "3000"}),
        ("127.0.0.1:3000", {"tcp": "127.0.0.1:3000"}),
        ({"http": "/health"}, {"http": "/health"}),
        ({"tcp": True}, {"tcp": ""}),
        ({"log": "^up$", "http": None}, {"log": "^up$"}),
    ],
)
def test_what_ready_may_be(written: Any, meant: dict[str, str]) -> None:
    assert parsed("ready", written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (True, {}),
        (False, None),
        ("/health", {"http": "/health"}),
        (3000, {"tcp": "3000"}),
        ({"command": "true", "failures": "2"}, {"command": "true", "failures": 2}),
        ({"tcp": 1, "interval": "1m", "timeout": 500}, {"interval": 60_000, "timeout": 500}),
        ({"interval": "1s"}, {"interval": 1000, "timeout": 500}),
    ],
)
def test_what_health_may_be(written: Any, meant: dict[str, Any] | None) -> None:
    found = parsed("health", written)
    assert found == meant if meant is None else found == DEFAULTS | found | meant


@pytest.mark.parametrize("option", ["ready", "health"])
@pytest.mark.parametrize(
    "written",
    [0, 65_536, "localhost", "ftp://localhost/", "http://", "http://a:b@c/", "/a b", "", [], 1.5],
)
def test_what_neither_may_be(option: str, written: Any) -> None:
    ((message, _),) = faults(option, written)
    assert message.startswith("expected ")


def test_every_mistake_in_an_object_is_told() -> None:
    value = {"htp": "/", "interval": "soon", "failures": 0, "timeout": -1, "retries": 3}
    messages = dict(faults("health", value))
    assert messages["'htp' is not known here"] == "did you mean 'http'?"
    assert messages["'retries' is not known here"]
    assert [text.split(":")[0] for text in messages if ":" in text] == [
        "interval",
        "failures",
        "timeout",
    ]


def test_mistakes_of_meaning() -> None:
    assert faults("ready", {"http": "/", "tcp": 3000})[0][0] == "http and tcp cannot both be asked"
    assert "does not say how" in faults("ready", {})[0][0]
    assert faults("ready", {"htpp": "/"}) == [("'htpp' is not known here", "did you mean 'http'?")]
    assert "is no regular expression" in faults("ready", {"log": "(a"})[0][0]
    assert faults("ready", {"command": "true"})[0][0] == "'command' is not known here"
    assert faults("health", {"log": "up"})[0][0] == "'log' is not known here"
    shorter = faults("health", {"http": "/", "interval": "1s", "timeout": "1s"})
    assert shorter == [("timeout has to be shorter than interval, 1000 ms", None)]
    often = faults("health", {"http": "/", "interval": 3050, "timeout": 3000, "failures": 1})
    assert often[0][0].startswith("interval, 3050 ms, is too short")
