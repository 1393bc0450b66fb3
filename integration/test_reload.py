"""Reload and apply of apps that share a socket: an extra instance first, and nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integration.clients import Load
from integration.harness import eventually, properties, systemctl
from integration.web import Web
from pm2sd.errors import ExitStatus


@pytest.mark.parametrize(
    ("instances", "keep_alive", "reuse_port"),
    [(1, False, False), (3, True, False), (1, True, True), (3, False, True)],
)
def test_a_reload_drops_nothing(
    web: Web, instances: int, keep_alive: bool, reuse_port: bool
) -> None:
    web.options["reuse_port"] = reuse_port
    web.apply(instances, DELAY=5)
    before = web.pids()
    with Load(web.port, keep_alive=keep_alive) as load:
        eventually(lambda: load.count > 20)
        done = web.pm2sd("reload", web.name, "--parallel", "2")
        assert done.exit_status == ExitStatus.OK, done
        assert set(before).isdisjoint(web.pids())
        assert web.pm2sd("reload", f"{web.name}@0").exit_status == ExitStatus.OK
        seen = load.count
        eventually(lambda: load.count > seen + 20)
    assert load.failures == []
    eventually(web.extra_was_there)
    assert not web.is_extra_there()
    assert {row["instance"] for row in web.pm2sd("status", "--json", web.name).json} == set(
        range(instances)
    )


@pytest.mark.parametrize(
    ("how", "instances", "reuse_port"),
    [
        ("broken", 1, False),
        ("broken", 2, True),
        ("stuck", 1, True),
        ("stuck", 2, False),
        ("empty", 1, False),
        ("empty", 2, False),
    ],
)
def test_a_build_that_does_not_come_up_disturbs_nothing(
    web: Web, how: str, instances: int, reuse_port: bool
) -> None:
    web.options["reuse_port"] = reuse_port
    web.wait_ready = how == "stuck"
    web.apply(instances, DELAY=1)
    before = web.pids()
    web.listen_timeout = 4000  # what is stuck is waited for so long
    web.apply(instances, DELAY=1)
    assert web.pids() == before
    web.project.write(how, "")
    with Load(web.port) as load:
        done = web.pm2sd("reload", web.name)
        assert done.exit_status == ExitStatus.FAILED
        assert "the instances that serve were not touched" in done.stderr
        if how == "broken":
            assert "Error: no good" in done.stderr
        assert web.pids() == before
        assert not web.is_extra_there()
        seen = load.count
        eventually(lambda: load.count > seen + 20)
    assert load.failures == []
    Path(web.project.path, how).unlink()
    if how == "broken":
        silent = web.project.write("empty", "")
        said = web.pm2sd("reload", web.name).stderr
        assert re.search("@[12] (ended|exited with code 0) right after its start", said), said
        assert "no good" not in said, "what the build before it said"
        silent.unlink()
    web.listen_timeout = 20_000
    web.apply(instances, DELAY=1)
    assert web.pm2sd("reload", web.name).exit_status == ExitStatus.OK
    assert set(before).isdisjoint(web.pids())


def test_an_applied_change_is_rolled_out_the_same_way(web: Web) -> None:
    web.apply()
    before = web.pids()
    with Load(web.port) as load:
        said = web.apply(4, MORE="yes")
        assert f"reloading {web.name}, one instance after the other" in said
        assert set(before).isdisjoint(web.pids())
        assert web.restarts() == [1, 1, 0, 0]
        web.apply(2, MORE="less")
        seen = load.count
        eventually(lambda: load.count > seen + 20)
    assert load.failures == []
    assert not web.is_extra_there()
    assert web.pm2sd("diff").exit_status == ExitStatus.OK


def test_a_change_that_does_not_come_up_is_taken_back(web: Web) -> None:
    web.apply(3)
    before = web.pids()
    cat = web.pm2sd("cat", web.name).stdout
    said = web.apply(2, status=ExitStatus.FAILED, BROKEN="all")
    assert "the instances that serve were not touched; its unit files are as before" in said
    web.instances = 3
    assert web.pids()[:2] == before[:2]
    assert web.restarts()[:2] == [0, 0]
    assert web.pm2sd("cat", web.name).stdout == cat
    # What systemd starts again after a crash is what served before.
    systemctl("kill", "--signal=KILL", f"{web.name}@0.service")
    eventually(lambda: properties(f"{web.name}@0.service", "SubState") == {"SubState": "running"})
    assert web.pm2sd("diff").exit_status == ExitStatus.FAILED
    assert not web.is_extra_there()
    assert web.apply(2, MORE="yes")
    assert set(before).isdisjoint(web.pids())


def test_an_instance_that_fails_later_ends_it_and_the_others_serve(web: Web) -> None:
    web.apply(3)
    before = web.pids()
    with Load(web.port) as load:
        said = web.apply(3, status=ExitStatus.FAILED, BROKEN="1")
        assert f"{web.name}@1 exited with code 1" in said
        after = web.pids()
        assert after[0] != before[0]
        assert after[2] == before[2]
        seen = load.count
        eventually(lambda: load.count > seen + 20)
    assert not web.is_extra_there()
    assert load.failures == []
    # The last still runs the old configuration, which the next apply knows; the one that crashes
    # may have been given up by now, and then fails again.
    assert f"up: {web.name}@2" in web.apply(3, status=None, BROKEN="1")
    assert web.pids()[2] != before[2]
    web.apply(3, BROKEN="none")
    assert web.pm2sd("diff").exit_status == ExitStatus.OK
