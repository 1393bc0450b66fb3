"""``script: serve`` and ``static``: PM2's server of static files, which here is ``pm2sd.serve``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.options.javascript import scalar_text
from pm2sd.ecosystem.options.nearest import nearest_of
from pm2sd.errors import Problem

SERVE: Final = "serve"
"""The script that PM2 takes for its own server, whatever is called so (lib/API.js)."""

ARGUMENTS: Final = ("-P", "-m", "pm2sd.serve")
"""Python's, before the server's. -P: do not look for modules where the app stands."""

PASSWORD: Final = "PM2_SERVE_BASIC_AUTH_PASSWORD"  # noqa: S105 (its name)
DEFAULT_PORT: Final = 8080
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 (PM2's default)

# The keys of an entry of ``static``, as the variables they become (lib/API.js, _startJson).
_VARIABLES: Final = {
    "port": "PM2_SERVE_PORT",
    "host": "PM2_SERVE_HOST",
    "path": "PM2_SERVE_PATH",
    "spa": "PM2_SERVE_SPA",
    "ftp": "PM2_SERVE_FTP",
    "directory": "PM2_SERVE_DIRECTORY",
}
_SWITCHES: Final = ("spa", "ftp", "directory")
_KEYS: Final = ("name", *_VARIABLES, "basic_auth", "monitor")
_CREDENTIALS: Final = {"username": "PM2_SERVE_BASIC_AUTH_USERNAME", "password": PASSWORD}


def python() -> str:
    """The interpreter that runs the server: the one that runs pm2sd."""
    return sys.executable


def address(env: Mapping[str, str]) -> str:
    """Where the server listens, as ``listen`` writes it."""
    host = env.get("PM2_SERVE_HOST") or _EVERYWHERE
    port = env.get("PM2_SERVE_PORT") or str(DEFAULT_PORT)
    host = "127.0.0.1" if host == "localhost" else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def default_name(port: str | int | None) -> str:
    """What PM2 calls a server that has no name."""
    return f"static-page-server-{port or DEFAULT_PORT}"


def static_app(node: Node, source: Source) -> tuple[Node, list[Problem]]:
    """An entry of ``static`` as the app it stands for, and every mistake in its shape."""
    assert isinstance(node.value, Mapping)
    entry = node.value
    problems = list(_mistakes(entry, source))
    where = node.where
    env: dict[str, Node] = {}
    for key, variable in _VARIABLES.items():
        if key in entry and entry[key].value is not None:
            child = entry[key]
            text = scalar_text(child.value) if isinstance(child.value, _SCALARS) else ""
            env[variable] = replace(child, value=text)
    app = {"script": Node(SERVE, where)}
    auth = entry.get("basic_auth")
    if auth is not None and isinstance(auth.value, Mapping):
        env["PM2_SERVE_BASIC_AUTH"] = Node("true", auth.where)
        given = {_CREDENTIALS[key]: one for key, one in auth.value.items() if key in _CREDENTIALS}
        password = given.pop(PASSWORD, None)
        env |= given
        if password is not None:
            app["secrets"] = Node({PASSWORD: password}, auth.where)
    port = entry.get("port")
    number = port.value if port and isinstance(port.value, int | str) else None
    app["name"] = entry.get("name") or Node(default_name(number), where)
    return replace(node, value=app | {"env": Node(env, where)}), problems


_SCALARS = (bool, int, float, str)


def _mistakes(entry: Mapping[str, Node], source: Source) -> Iterator[Problem]:
    for key, node in entry.items():
        if key not in _KEYS:
            near = nearest_of(key, _KEYS)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(_KEYS)}"
            where = node.key_where or node.where
            yield source.problem(f"static has no option {key!r}", where, hint)
        elif key == "port" and not _is_port(node):
            hint = "a number from 1 to 65535"
            yield source.problem("port: expected a port", node.where, hint)
        elif key in _SWITCHES and not isinstance(node.value, bool | None):
            yield source.problem(f"{key}: expected true or false", node.where)
        elif key in ("host", "path") and not isinstance(node.value, str | None):
            yield source.problem(f"{key}: expected a string; got {node.kind}", node.where)
        elif key == "basic_auth" and node.value is not None:
            yield from _mistakes_of_auth(node, source)


def _mistakes_of_auth(node: Node, source: Source) -> Iterator[Problem]:
    has = node.value if isinstance(node.value, Mapping) else {}
    missing = [key for key in _CREDENTIALS if not _is_text(has.get(key))]
    if missing:
        message = f"basic_auth: expected {' and '.join(missing)}, as strings"
        yield source.problem(message, node.where, "basic_auth: { username: ..., password: ... }")


def _is_text(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, str) and bool(node.value)


def _is_port(node: Node) -> bool:
    value = node.value
    if value is None or isinstance(value, bool):
        return value is None
    text = str(value)
    return text.isdecimal() and 1 <= int(text) <= 65_535
