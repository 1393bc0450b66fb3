"""watch: restarts for what changes in a real tree, once each, and for nothing else."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, Result, eventually, properties, systemctl
from integration.web import Web
from pm2sd.errors import ExitStatus
from pm2sd.systemd.journal import Query, entries

APP = """\
echo "$NODE_APP_INSTANCE" >> {starts}
test ! -e "$PWD/broken" || exit 1
exec sleep infinity
"""


@dataclass(frozen=True)
class Watched:
    """An app in a directory of its own, which is watched; it notes its starts elsewhere."""

    pm2sd: Pm2sd
    project: Project
    fences: Iterator[int] = field(default_factory=itertools.count)

    @property
    def tree(self) -> Path:
        return self.project.path / "app"

    @property
    def unit(self) -> str:
        return f"{self.project.name()}:watch.service"

    def apply(self, **options: Any) -> Result:
        starts = self.project.path / "starts"
        script = self.project.write("start.sh", APP.format(starts=starts))
        app = {"name": self.project.name(), "script": str(script), "cwd": str(self.tree)}
        self.project.ecosystem([{**app, "watch": True, **options}])
        return self.pm2sd("apply")

    def write(self, *names: str) -> None:
        for name in names:
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{time.monotonic()}")

    def starts(self) -> int:
        path = self.project.path / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def has_started(self, times: int) -> bool:
        """Whether it was started so often and no more; systemd is done before the app notes it."""
        eventually(lambda: self.starts() >= times)
        return self.starts() == times

    def said(self) -> list[str]:
        """What the watcher has said so far."""
        identifier = self.unit.removesuffix(".service")
        return [entry.message for entry in entries(Query(identifiers=(identifier,)))]

    def restarts(self) -> list[str]:
        """What it has restarted the app for, in the order of time."""
        return [text.partition(" changed; ")[0] for text in self.said() if "; restarted" in text]

    def after_fence(self) -> list[str]:
        """The restarts for all that was changed before this call: one more change marks its end."""
        name = f"fence-{next(self.fences)}"
        self.write(name)
        eventually(lambda: any(name in text for text in self.restarts()))
        found = self.restarts()
        assert found[-1] == name, f"restarted for the fence together with something: {found}"
        return [text for text in found[:-1] if "fence-" not in text]


@pytest.fixture
def watched(pm2sd: Pm2sd, project: Project) -> Watched:
    watched = Watched(pm2sd, project)
    watched.write("index.js", "src/deep/er/a.js", "node_modules/x/index.js", ".env", ".git/index")
    return watched


def wait_for_restarts(watched: Watched, count: int) -> None:
    eventually(lambda: len(watched.restarts()) >= count)


def wait_for_starts(watched: Watched, count: int) -> None:
    """Until so many are noted: what is restarted sooner than that notes nothing."""
    wait_for_restarts(watched, count - 1)
    assert watched.has_started(count)


def git(tree: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)


def test_each_kind_of_change_restarts_the_app_once(watched: Watched) -> None:
    # What this test does in one go must not look like two changes where it is held up in between.
    assert watched.apply(watch_delay=1000).exit_status == ExitStatus.OK
    wait_for_starts(watched, 1)
    watched.write("src/deep/er/a.js")
    wait_for_starts(watched, 2)
    watched.write("new/dir/b.js")
    wait_for_starts(watched, 3)
    (watched.tree / "new/dir/b.js").unlink()
    wait_for_starts(watched, 4)
    (watched.tree / "src/deep/er/a.js").rename(watched.tree / "src/deep/er/c.js")
    wait_for_starts(watched, 5)
    (watched.tree / "src").rename(watched.tree / "lib")
    wait_for_starts(watched, 6)
    watched.write("lib/deep/er/c.js")
    wait_for_starts(watched, 7)
    found = watched.after_fence()
    assert found[4].startswith("src, lib")
    assert [*found[:4], *found[5:]] == [
        "src/deep/er/a.js",
        "new, new/dir, new/dir/b.js",
        "new/dir/b.js",
        "src/deep/er/a.js, src/deep/er/c.js",
        "lib/deep/er/c.js",
    ]
    assert watched.has_started(8)


def test_a_git_checkout_is_one_restart(watched: Watched) -> None:
    (watched.tree / ".git/index").unlink()
    git(watched.tree, "init", "--quiet", "--initial-branch=main")
    (watched.tree / ".gitignore").write_text("node_modules\nfence-*\n")
    git(watched.tree, "add", ".")
    git(watched.tree, "commit", "--quiet", "--message=main")
    git(watched.tree, "checkout", "--quiet", "-b", "other")
    watched.write(*(f"src/{n % 20}/{n}.js" for n in range(1000)), "index.js")
    git(watched.tree, "add", ".")
    git(watched.tree, "commit", "--quiet", "--message=other")
    git(watched.tree, "checkout", "--quiet", "main")
    assert watched.apply(watch_delay=1500).exit_status == ExitStatus.OK
    wait_for_starts(watched, 1)
    git(watched.tree, "checkout", "--quiet", "other")
    wait_for_starts(watched, 2)
    git(watched.tree, "checkout", "--quiet", "main")
    wait_for_starts(watched, 3)
    assert len(watched.after_fence()) == 2
    assert watched.has_started(4)


def test_what_is_ignored_never_restarts(watched: Watched) -> None:
    options = {
        "ignore_watch": ["logs", "**/*.tmp"],
        "out_file": "out/app.log",
        "error_file": "out/app.log",
    }
    (watched.tree / "logs").mkdir()
    assert watched.apply(**options).exit_status == ExitStatus.OK
    wait_for_starts(watched, 1)
    watched.write("logs/new/x", "src/a.tmp", ".env", ".git/index", "node_modules/x/index.js")
    watched.write("node_modules/y/z.js", "src/.a.js.swp", "out/app.log", "out/app.log.1")
    assert watched.after_fence() == []
    assert watched.has_started(2)


def test_what_is_asked_for_is_watched_whatever_its_name(watched: Watched) -> None:
    asked = [".env", "node_modules/x", "src/**/*.js"]
    assert watched.apply(watch=[*asked, "fence-*"]).exit_status == ExitStatus.OK
    watched.write("index.js", ".git/index", "node_modules/y/a.js", "src/a.css")
    assert watched.after_fence() == []
    for count, name in enumerate((".env", "node_modules/x/index.js", "src/new/b.js"), 1):
        watched.write(name)
        wait_for_restarts(watched, 1 + count)
    assert watched.after_fence() == [".env", "node_modules/x/index.js", "src/new/b.js"]


def test_one_watcher_restarts_all_instances(watched: Watched) -> None:
    assert watched.apply(instances=3, exec_mode="fork").exit_status == ExitStatus.OK
    assert watched.has_started(3)
    watched.write("index.js")
    wait_for_restarts(watched, 1)
    assert watched.said()[-1] == "index.js changed; restarted instance 0, 1, 2"
    assert watched.has_started(6)
    shown = properties(watched.unit, "TasksCurrent", "ActiveState", "StatusText")
    assert shown["ActiveState"] == "active"
    assert shown["StatusText"] == "watching 4 directories"
    units = systemctl("list-units", "--plain", "--no-legend", f"{watched.project.name()}:*")
    assert len(units.stdout.splitlines()) == 1


def test_its_restarts_are_counted_and_those_after_crashes_kept(watched: Watched) -> None:
    assert watched.apply(instances=2, restart_delay=0).exit_status == ExitStatus.OK
    name = watched.project.name()

    def counted() -> list[int]:
        return [one["restarts"] for one in watched.pm2sd("status", "--json", name).json]

    assert systemctl("kill", "--signal=KILL", f"{name}@1.service").exit_status == ExitStatus.OK
    eventually(lambda: counted() == [0, 1])
    assert watched.has_started(3)
    watched.write("index.js")
    wait_for_restarts(watched, 1)
    eventually(lambda: counted() == [1, 2])
    assert watched.pm2sd("stop", f"{name}@1").exit_status == ExitStatus.OK
    watched.write("index.js")
    wait_for_restarts(watched, 2)
    eventually(lambda: counted() == [2, 2])


def test_it_survives_stop_and_start(watched: Watched) -> None:
    """PM2 never watches again after stop (its issues 3701, 5487)."""
    watched.apply()
    name = watched.project.name()
    assert watched.pm2sd("stop", name).exit_status == ExitStatus.OK
    eventually(lambda: properties(watched.unit, "ActiveState")["ActiveState"] == "inactive")
    watched.write("index.js")
    assert watched.pm2sd("start", name).exit_status == ExitStatus.OK
    assert watched.after_fence() == []
    watched.write("index.js")
    wait_for_restarts(watched, 2)
    assert watched.after_fence() == ["index.js"]


def test_an_instance_that_was_stopped_stays_down(watched: Watched) -> None:
    watched.apply(instances=2, exec_mode="fork")
    first, second = (f"{watched.project.name()}@{number}.service" for number in range(2))
    systemctl("stop", second)
    watched.write("index.js")
    wait_for_restarts(watched, 1)
    assert watched.said()[-1] == "index.js changed; restarted instance 0"
    assert properties(second, "ActiveState") == {"ActiveState": "inactive"}
    eventually(lambda: properties(first, "ActiveState") == {"ActiveState": "active"})


def test_a_change_starts_what_has_failed_or_ended(watched: Watched) -> None:
    """A mistake was mended; with autorestart off, PM2's users run tests this way."""
    watched.write("broken")
    # Of less than min_uptime; a machine that is held up may take more than a second to a start.
    given_up = watched.apply(max_restarts=2, min_uptime="10s")
    assert given_up.exit_status == ExitStatus.FAILED
    instance = f"{watched.project.name()}@0.service"
    eventually(lambda: properties(instance, "ActiveState")["ActiveState"] == "failed")

    def restarts() -> int:
        (row,) = watched.pm2sd("status", "--json", watched.project.name()).json
        found: int = row["restarts"]
        return found

    before = restarts()
    assert before == 1, "it was started twice, and then no more"
    (watched.tree / "broken").unlink()
    eventually(lambda: properties(instance, "ActiveState")["ActiveState"] == "active")
    assert restarts() == before
    script = watched.project.write("once.sh", f"echo x >> {watched.project.path}/ends\n")
    assert watched.apply(script=str(script), autorestart=False).exit_status == ExitStatus.OK
    ends = watched.project.path / "ends"
    eventually(lambda: properties(instance, "ActiveState")["ActiveState"] == "inactive")
    watched.write("index.js")
    eventually(lambda: ends.read_text() == "x\nx\n")


def test_watch_delay_waits_for_the_last_change(watched: Watched) -> None:
    watched.apply(watch_delay=1500)
    watched.write("index.js")
    changed = (watched.tree / "index.js").stat().st_mtime  # it may be later by now
    eventually(lambda: watched.restarts() == ["index.js"])
    identifier = watched.unit.removesuffix(".service")
    (entry,) = entries(Query(identifiers=(identifier,)))
    assert entry.realtime_usec / 1e6 - changed >= 1.4


def test_polling_for_file_systems_that_tell_nothing(watched: Watched) -> None:
    watched.apply(watch_options={"usePolling": True, "interval": 100})
    watched.write("src/deep/er/a.js", "node_modules/x/index.js")
    wait_for_restarts(watched, 1)
    assert watched.after_fence() == ["src/deep/er/a.js"]


def test_it_goes_when_it_is_not_wanted_any_more(watched: Watched) -> None:
    watched.apply()
    assert watched.apply(watch=False).exit_status == ExitStatus.OK
    assert properties(watched.unit, "LoadState") == {"LoadState": "not-found"}
    watched.apply(ignore_watch=["src"])
    wait_for_starts(watched, 1)
    before = properties(watched.unit, "MainPID")
    watched.apply(ignore_watch=["lib"])
    assert properties(watched.unit, "MainPID") != before
    watched.write("lib/x.js")
    assert watched.after_fence() == []
    assert watched.has_started(2)


def test_twenty_thousand_files_cost_nothing_while_nothing_happens(watched: Watched) -> None:
    for directory in range(400):
        folder = watched.tree / f"src/{directory}"
        folder.mkdir()
        for name in range(50):
            os.close(os.open(folder / f"{name}.js", os.O_CREAT | os.O_WRONLY))
    assert watched.apply().exit_status == ExitStatus.OK
    shown = properties(watched.unit, "StatusText", "CPUUsageNSec")
    assert shown["StatusText"] == "watching 404 directories"
    before, end = int(shown["CPUUsageNSec"]), time.monotonic() + 3
    noise = (watched.tree / "node_modules/x/noise").open("w")
    with noise, (watched.tree / ".cache").open("w") as more:

        def busy() -> bool:
            for file in (noise, more):
                file.write("x\n" * 100)
                file.flush()
            return time.monotonic() > end

        eventually(busy)
    used = int(properties(watched.unit, "CPUUsageNSec")["CPUUsageNSec"]) - before
    assert used < 60e6, f"{used / 1e6} ms of CPU in 3 s"
    watched.write("src/399/49.js")
    wait_for_restarts(watched, 1)
    assert watched.after_fence() == ["src/399/49.js"]


def test_mistakes_are_told_and_nothing_is_changed(watched: Watched) -> None:
    options = {"watch": ["src", "(?!x)"], "watch_options": {"usePoling": True, "depth": -1}}
    refused = watched.apply(**options)
    assert refused.exit_status == ExitStatus.INVALID_CONFIG
    assert "did you mean 'usePolling'?" in refused.stderr
    assert "depth: expected a whole number from 0 to 1000; got -1" in refused.stderr
    assert watched.project.unit_files() == []


def test_describe_and_jlist_tell_whether_files_are_watched(watched: Watched) -> None:
    name = watched.project.name()

    def told() -> str:
        lines = watched.pm2sd("describe", name).stdout.splitlines()
        (line,) = [line for line in lines if "watch & reload" in line]
        return line.partition("watch & reload")[2].strip()

    watched.apply(watch=["src", "index.js"])
    assert told() == "enabled: src, index.js"
    (row,) = [row for row in watched.pm2sd("jlist").json if row["name"] == name]
    assert row["pm2_env"]["watch"] == ["src", "index.js"]
    watched.pm2sd("stop", name)
    assert told() == "enabled: src, index.js; not while the app is down"
    watched.apply(watch=False)
    assert told() == "disabled"


def test_logs_tell_what_the_app_was_restarted_for(watched: Watched) -> None:
    watched.apply()
    watched.write("index.js")
    wait_for_restarts(watched, 1)
    name = watched.project.name()
    line = f"{name}: index.js changed; restarted instance 0"

    def shown(*flags: str) -> list[str]:
        logs = watched.pm2sd("logs", name, "--nostream", *flags).stdout
        return [text for text in logs.splitlines() if line in text]

    eventually(lambda: len(shown()) == 1)
    assert shown("--raw") == []
    watched.pm2sd("flush", name)
    assert shown() == []


def test_a_change_during_a_reload_leaves_the_extra_instance_alone(web: Web) -> None:
    """Its end would be taken for that of an app that does not come up."""
    web.options = {"watch": ["watched"]}
    watched = web.project.write("watched/file", "")
    web.project.write("slow", "")
    web.apply(2)
    with web.begin("reload", web.name) as process:
        eventually(lambda: web.state(2) == "active", 60)
        watched.write_text("changed")
        _, said = process.communicate(timeout=120)
    assert process.returncode == ExitStatus.OK, said
