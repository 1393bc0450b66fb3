"""``idle_timeout``: an app that only its socket keeps up while nobody is connected."""

from __future__ import annotations

import itertools
import socket
import time
from typing import Any

import pytest

from integration.harness import (
    PATIENCE,
    Pm2sd,
    Project,
    Result,
    eventually,
    free_port,
    properties,
    systemctl,
)
from integration.test_socket import active, get, pid, socket_unit, unit
from pm2sd.control import boot
from pm2sd.control.session import changing
from pm2sd.errors import ExitStatus
from pm2sd.systemd.snapshot import Snapshot

IDLE = 0.5
"""Seconds of idle_timeout."""


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> Result:
    app = {
        "name": project.name("web"),
        "script": project.script("hangs.js"),
        "idle_timeout": f"{IDLE}s",
        **options,
    }
    done = pm2sd("apply", project.ecosystem([app]))
    assert done.exit_status == ExitStatus.OK, done
    return done


def state(pm2sd: Pm2sd, project: Project) -> str:
    return str(pm2sd("status", "--json", project.name("web")).json[0]["state"])


def is_down(project: Project) -> bool:
    return active(unit(project, 0)) == "inactive"


@pytest.mark.parametrize("hardening", ["basic", "strict"])
def test_the_first_connection_starts_it_and_quiet_stops_it(
    pm2sd: Pm2sd, project: Project, hardening: str
) -> None:
    port = free_port()
    # Whose questions are no use of it; on a busy machine many of them may find no answer.
    health = {"http": "/", "interval": 200, "timeout": 199, "failures": 100}
    apply(pm2sd, project, listen=port, env={"PORT": port}, hardening=hardening, health=health)
    assert is_down(project)
    assert state(pm2sd, project) == "idle"
    assert pm2sd("diff").exit_status == ExitStatus.OK
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        eventually(lambda: state(pm2sd, project) == "online")
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in client.recv(4096)
    eventually(lambda: is_down(project))
    assert active(socket_unit(project)) == "active"
    assert state(pm2sd, project) == "idle"
    # What a boot does: the target, with all that it wants.
    target = f"{project.name('web')}.target"
    systemctl("stop", target)
    assert systemctl("start", target).exit_status == 0
    assert active(socket_unit(project)) == "active"
    assert is_down(project)
    assert properties(unit(project, 0), "NRestarts")["NRestarts"] == "0"


@pytest.mark.parametrize(("script", "how"), [("hangs.js", "path"), ("web.py", "port")])
def test_no_connection_is_lost_when_it_stops(
    pm2sd: Pm2sd, project: Project, script: str, how: str
) -> None:
    """They come around the moment at which it stops; more starts than max_restarts allows."""
    path = str(project.path / "web.sock")
    port = free_port()
    env = {"PORT": port if how == "port" else path}
    listen = env["PORT"]
    apply(pm2sd, project, script=project.script(script), listen=listen, env=env, max_restarts=2)
    seen = set()
    deadline = time.monotonic() + 2 * PATIENCE
    for step in itertools.count():
        seen.add(ask(port if how == "port" else path))
        if step > 8 and len(seen) > 2:
            break  # it was stopped and started
        assert time.monotonic() < deadline, f"{len(seen)} processes answered {step} times"
        time.sleep(IDLE * (0.9 + 0.04 * (step % 10)))
    eventually(lambda: is_down(project))


def ask(address: int | str) -> str:
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    with socket.socket(family) as client:
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", address) if isinstance(address, int) else address)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert b"200 OK" in answer
    return answer.decode().rpartition("\r\n\r\n")[2]


@pytest.mark.parametrize("script", ["hangs.js", "web.py"])
def test_one_who_stays_connected_keeps_it_up(pm2sd: Pm2sd, project: Project, script: str) -> None:
    port = free_port()
    apply(pm2sd, project, script=project.script(script), listen=port, env={"PORT": port})
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        eventually(lambda: active(unit(project, 0)) == "active")
        began = pid(project, 0)
        deadline = time.monotonic() + 4 * IDLE
        while time.monotonic() < deadline:
            assert pid(project, 0) == began
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in client.recv(4096)
    eventually(lambda: is_down(project))


def test_stop_and_changes(pm2sd: Pm2sd, project: Project) -> None:
    port = free_port()
    name = project.name("web")
    apply(pm2sd, project, listen=port, env={"PORT": port})
    apply(pm2sd, project, listen=port, env={"PORT": port, "A": "b"})
    assert is_down(project)
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert state(pm2sd, project) == "stopped"
    with pytest.raises(ConnectionRefusedError):
        get(port)
    assert pm2sd("start", name).exit_status == ExitStatus.OK
    assert get(port)
    assert pm2sd("scale", name, "2").exit_status == ExitStatus.USAGE
    # Without the option it is an app like any other, and back.
    apply(pm2sd, project, listen=port, env={"PORT": port}, idle_timeout=None)
    assert active(unit(project, 0)) == "active"
    apply(pm2sd, project, listen=port, env={"PORT": port})
    eventually(lambda: is_down(project))
    assert get(port)
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    assert project.unit_files() == []
    with pytest.raises(ConnectionRefusedError):
        get(port)


def test_it_comes_back_whether_somebody_is_connected_or_not(pm2sd: Pm2sd, project: Project) -> None:
    """What save and resurrect do, to this app alone."""
    apply(pm2sd, project, listen=free_port())
    assert is_down(project)
    name = project.name("web")
    target = f"{name}.target"
    with changing(lambda _: None) as here:
        up = boot.follow(here, [here.stored().apps[name]], forced=True)
    assert systemctl("is-enabled", target).stdout == "enabled\n"
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert systemctl("is-enabled", target).stdout == "disabled\n"
    with changing(lambda _: None) as here:
        boot.start_saved(here, Snapshot({}, frozenset(up)))
    assert state(pm2sd, project) == "idle"
    assert systemctl("is-enabled", target).stdout == "enabled\n"
