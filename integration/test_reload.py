"""Reload and apply of apps that share a socket: an extra instance first, and nothing is lost."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.clients import Load
from integration.harness import Pm2sd, Project, eventually, properties, run, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import user_runtime_directory

APP = """\
// cluster.js, but for what the files beside it say: it may throw, take long, or never get ready.
const fs = require('node:fs');
const has = (file) => fs.existsSync(`${__dirname}/${file}`);
const { NODE_APP_INSTANCE: number } = process.env;
if (has('broken') || process.env.BROKEN === number) throw Error('no good');
if (process.env.BROKEN === 'all') throw Error('no good');
if (has('empty')) process.exit(0);
process.env.READY = has('stuck') ? 'never' : has('slow') ? '4000' : '1';
require(CLUSTER);
"""


class Web:
    """A cluster of an app that can be broken, applied by the test's own pm2sd."""

    def __init__(self, pm2sd: Pm2sd, project: Project) -> None:
        self.pm2sd, self.project = pm2sd, project
        self.name = project.name("web")
        text = APP.replace("CLUSTER", repr(project.script("cluster.js")))
        self.script = project.write("app.js", text)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.instances = 2
        self.wait_ready = True
        self.listen_timeout = 2000

    def apply(
        self, instances: int = 2, *, status: ExitStatus | None = ExitStatus.OK, **env: Any
    ) -> str:
        """Applies the app; what apply said. None: however it ends."""
        app = {
            "name": self.name,
            "script": str(self.script),
            "exec_mode": "cluster",
            "instances": instances,
            "wait_ready": self.wait_ready,
            "listen_timeout": self.listen_timeout,
            "env": {"PORT": self.port, **env},
        }
        self.instances = instances
        done = self.pm2sd("apply", self.project.ecosystem([app]))
        assert status is None or done.exit_status == status, done
        return done.stderr

    def pids(self) -> list[str]:
        """The main process of each instance."""
        units = (f"{self.name}@{number}.service" for number in range(self.instances))
        return [properties(unit, "MainPID")["MainPID"] for unit in units]

    def state(self, number: int) -> str:
        """The ActiveState of an instance."""
        return properties(f"{self.name}@{number}.service", "ActiveState")["ActiveState"]

    @property
    def drop_in(self) -> Path:
        """Where an extra instance is noted."""
        units = user_runtime_directory() / "systemd/user"
        return units / f"{self.name}@{self.instances}.service.d"

    def restarts(self) -> list[int]:
        """How often each instance was restarted, as status says."""
        return [row["restarts"] for row in self.pm2sd("status", "--json", self.name).json]

    def is_extra_there(self) -> bool:
        """Whether anything is left of an instance beyond those of the app."""
        units = systemctl("list-units", "--all", "--plain", "--no-legend", f"{self.name}@*.service")
        return self.drop_in.exists() or f"{self.name}@{self.instances}." in units.stdout

    def extra_was_there(self) -> bool:
        """Whether an extra instance ever said anything."""
        identifier = f"--identifier={self.name}@{self.instances}"
        return "listening" in run("journalctl", "--user", "--quiet", identifier).stdout


@pytest.fixture
def web(pm2sd: Pm2sd, project: Project) -> Web:
    return Web(pm2sd, project)


@pytest.mark.parametrize("instances", [1, 3])
@pytest.mark.parametrize("keep_alive", [False, True])
def test_a_reload_drops_nothing(web: Web, instances: int, keep_alive: bool) -> None:
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
    assert web.extra_was_there()
    assert not web.is_extra_there()
    assert {row["instance"] for row in web.pm2sd("status", "--json", web.name).json} == set(
        range(instances)
    )


@pytest.mark.parametrize("instances", [1, 2])
@pytest.mark.parametrize("how", ["broken", "stuck", "empty"])
def test_a_build_that_does_not_come_up_disturbs_nothing(web: Web, how: str, instances: int) -> None:
    web.wait_ready = how == "stuck"
    web.apply(instances, DELAY=1)
    before = web.pids()
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_an_interrupted_reload_leaves_is_taken_away(web: Web, number: int) -> None:
    web.apply(2)
    extra = f"{web.name}@2.service"
    with Load(web.port) as load:
        process = subprocess.Popen(
            web.pm2sd.command("reload", web.name),
            cwd=web.project.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: properties(extra, "ActiveState")["ActiveState"] == "active", 60)
        process.send_signal(number)
        assert process.wait(60) != 0
        if number != signal.SIGKILL:
            assert not web.is_extra_there()
        assert web.pm2sd("start", web.name).exit_status == ExitStatus.OK
        assert not web.is_extra_there()
    assert load.failures == []


_POINTS: dict[str, Callable[[Web, list[str]], bool]] = {
    "noted": lambda web, _: web.drop_in.exists(),
    "started": lambda web, _: web.state(web.instances) == "activating",
    "first goes": lambda web, before: web.pids()[0] not in (before[0], "0"),
    "last went": lambda web, before: web.pids()[-1] not in (before[-1], "0"),
}
"""Moments of a reload, by the main processes before it."""


def killed_reload(web: Web, point: str) -> None:
    """Kills a reload at one of its moments."""
    before = web.pids()
    process = subprocess.Popen(
        web.pm2sd.command("reload", web.name),
        cwd=web.project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: _POINTS[point](web, before), 60)
    process.kill()
    process.wait(60)


def test_whenever_a_reload_is_killed_the_next_command_tidies_up(web: Web) -> None:
    web.apply(2)
    commands = {
        "noted": ["apply"],
        "started": ["scale", web.name, "2"],
        "first goes": ["start", web.name],
        "last went": ["restart", web.name],
    }
    with Load(web.port) as load:
        for point, command in commands.items():
            killed_reload(web, point)
            done = web.pm2sd(*command)
            assert done.exit_status == ExitStatus.OK, (point, done)
            assert not web.is_extra_there(), point
            assert [web.state(0), web.state(1)] == ["active", "active"]
        assert web.pm2sd("diff").exit_status == ExitStatus.OK
    assert load.failures == []


def test_an_extra_instance_that_alone_serves_goes_once_another_does(web: Web) -> None:
    web.listen_timeout = 20_000
    web.apply(1)
    with Load(web.port) as load:
        web.project.write("slow", "")
        killed_reload(web, "first goes")
        assert web.state(0) == "activating"
        assert web.pm2sd("start", web.name).exit_status == ExitStatus.OK
        assert web.state(0) == "active"
        assert not web.is_extra_there()
    assert load.failures == []
