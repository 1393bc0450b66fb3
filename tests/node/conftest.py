"""Real Node processes with the preload, their sockets inherited as from systemd."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from integration.nodes import programs
from pm2sd import node
from tests.node.harness import MACHINES_OWN, VERSIONS, App, Run, Server
from tests.node.watched import Manager


@pytest.fixture
def listening() -> Iterator[Callable[..., Server]]:
    """Makes listening sockets on the loopback interface, or on another address."""
    opened: list[socket.socket] = []

    def make(host: str = "127.0.0.1", port: int = 0) -> Server:
        one = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            dualstack_ipv6=host == "::",
        )
        opened.append(one)
        return Server(one)

    yield make
    for one in opened:
        one.close()


@pytest.fixture(params=VERSIONS)
def node_path(request: pytest.FixtureRequest) -> str:
    """PATH with each version of Node in turn."""
    path = os.environ["PATH"]
    if request.param == MACHINES_OWN:
        return path
    directory = programs(request.param)
    if directory is None:
        pytest.skip(f"no Node {request.param}: integration/fetch-node.sh has not fetched it")
    return f"{directory}:{path}"


@pytest.fixture
def preload(tmp_path: Path) -> Path:
    """The preload that apps are started with."""
    path = tmp_path / "preload.cjs"
    path.write_text(node.preload())
    return path


@pytest.fixture
def app(tmp_path: Path, node_path: str, preload: Path) -> Iterator[Run]:
    """Starts Node with a script's text and the preload.

    `sockets` maps addresses, as in PM2SD_NODE, to listening sockets; `settings` is the rest of it,
    None for a start without pm2sd. `notify` is what it has for a connection to the manager.
    """
    started: list[App] = []

    def start(
        script: str,
        *arguments: str,
        sockets: Mapping[str, Server | socket.socket] | None = None,
        settings: Mapping[str, object] | None = {},
        name: str = "app.js",
        env: Mapping[str, str] | None = None,
        notify: socket.socket | None = None,
    ) -> App:
        path = tmp_path / name
        path.write_text(script)
        held = {
            address: one.held if isinstance(one, Server) else one
            for address, one in (sockets or {}).items()
        }
        fds = [one.fileno() for one in held.values()]
        told = {**(settings or {}), "listen": list(held), "fds": fds}
        if notify:
            told["notify"] = notify.fileno()
        process = subprocess.Popen(
            ["node", str(path), *arguments],
            env={
                **{key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
                "PATH": node_path,
                "NODE_OPTIONS": f'--require "{preload}"',
                **({"PM2SD_NODE": json.dumps(told)} if settings is not None else {}),
                **(env or {}),
            },
            pass_fds=[*fds, *([notify.fileno()] if notify else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # what is read ahead of a line would be lost to App.end()
            start_new_session=True,
        )
        started.append(App(process))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.process.communicate()


@pytest.fixture
def manager() -> Iterator[Manager]:
    """A manager that is told things."""
    one = Manager()
    yield one
    one.ours.close()
    one.theirs.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The instance's runtime directory."""
    path = tmp_path / "pm2sd" / "probe" / "web@0"
    path.mkdir(parents=True)
    return path
