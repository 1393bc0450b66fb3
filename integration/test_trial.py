"""Changes that cannot go through a gate, and are taken back where the app does not come up."""

from __future__ import annotations

import http.client
import signal

import pytest

from integration.harness import eventually, free_port, systemctl
from integration.web import Web, cut_short
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory

WORKER = """\
#!/bin/sh
[ -z "$BROKEN" ] || exit 3
[ -z "$SLOW" ] || sleep 60
systemd-notify --ready
exec sleep 1000
"""


@pytest.fixture
def workers(web: Web) -> Web:
    """Three instances that have each a variable of their own, and no socket."""
    web.script = web.project.write("worker.sh", WORKER)
    web.options |= {"exec_mode": "fork", "increment_var": "PLACE"}
    web.apply(3)
    return web


def test_the_first_worker_tries_a_change_and_gets_the_old_files_back(workers: Web) -> None:
    before, cat = workers.pids(), workers.pm2sd("cat", workers.name).stdout
    said = workers.apply(3, status=ExitStatus.FAILED, BROKEN="yes", BUILD="new")
    assert f"{workers.name}@0 exited with code 3" in said
    assert "its unit files are as before" in said
    assert "up:" not in said
    assert workers.pids()[1:] == before[1:]
    assert workers.state(0) == "active"
    assert workers.pm2sd("cat", workers.name).stdout == cat
    assert [workers.crash(number) for number in (0, 1)] == ["", ""]
    assert "one instance after the other" in workers.apply(3, BUILD="new")
    assert set(before).isdisjoint(workers.pids())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interruption_takes_the_workers_change_back(
    workers: Web, number: signal.Signals
) -> None:
    before, cat = workers.pids(), workers.pm2sd("cat", workers.name).stdout
    file = workers.ecosystem(3, SLOW="yes", BUILD="new")
    cut_short(workers, "first goes", number, "apply", file)
    if number == signal.SIGKILL:
        assert workers.pm2sd("start", workers.name).exit_status == ExitStatus.OK
    assert workers.pm2sd("cat", workers.name).stdout == cat
    assert workers.state(0) == "active"
    assert workers.pids()[1:] == before[1:]
    assert workers.crash(2) == ""


def answers(port: int) -> bool:
    """Whether somebody listens there, and answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def move(web: Web) -> tuple[int, int]:
    """Gives the app another port; the old one and that."""
    old = web.port
    web.port = free_port()
    return old, web.port


@pytest.mark.parametrize("reuse_port", [False, True])
def test_another_port_where_nothing_comes_up_is_taken_back(web: Web, reuse_port: bool) -> None:
    web.options["reuse_port"] = reuse_port
    web.apply(3)
    cat = web.pm2sd("cat", web.name).stdout
    old, new = move(web)
    said = web.apply(2, status=ExitStatus.FAILED, BROKEN="all")
    assert "its unit files are as before" in said
    assert "\nup: " not in said
    assert web.pm2sd("cat", web.name).stdout == cat
    assert answers(old)
    assert not answers(new)
    assert [web.state(number) for number in range(3)] == ["active"] * 3
    web.apply(2)
    assert answers(new)
    assert not answers(old)
    assert web.pm2sd("diff").exit_status == ExitStatus.OK


def test_another_port_where_something_does_not_stop_leaves_all_up(web: Web) -> None:
    web.apply(2)
    cat = web.pm2sd("cat", web.name).stdout
    drop_in = unit_directory() / f"{web.name}.socket.d" / "refuse.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Unit]\nRefuseManualStop=yes\n")
    systemctl("daemon-reload")
    old, _ = move(web)
    said = web.apply(2, status=ExitStatus.FAILED)
    drop_in.unlink()
    drop_in.parent.rmdir()
    systemctl("daemon-reload")
    assert f"{web.name}.socket" in said
    assert web.pm2sd("cat", web.name).stdout == cat
    assert [web.state(number) for number in range(2)] == ["active"] * 2
    assert answers(old)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_another_port_that_was_interrupted_is_taken_back(web: Web, number: signal.Signals) -> None:
    web.apply(2)
    web.project.write("slow", "")
    old, new = move(web)
    said = cut_short(web, "first goes", number, "apply", web.ecosystem(2))
    if number == signal.SIGKILL:
        said = web.pm2sd("start", web.name).stderr
    assert "as before" in said
    eventually(lambda: answers(old))
    assert not answers(new)
    assert web.pm2sd("diff").exit_status == ExitStatus.FAILED
