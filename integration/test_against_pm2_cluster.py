"""The same clusters under a real PM2 and under pm2sd: workers on one port, restarts, ends."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, free_port, kill
from integration.pm2 import Pm2
from integration.test_against_pm2 import (
    NODE_DUMP,
    Both,
    compare_environments,
    dumped,
)
from integration.test_serve import get

CLUSTER: dict[str, Any] = {"exec_mode": "cluster", "instances": 2}


@pytest.fixture
def both(project: Project, pm2: Pm2, pm2sd: Pm2sd) -> Both:
    both = Both(project, pm2, pm2sd)
    both.dumps.mkdir()
    project.write("dump.js", NODE_DUMP)
    project.write("sub/dump.js", NODE_DUMP)
    return both


def server(both: Both, **options: Any) -> tuple[Path, int]:
    """The file of an HTTP server in a cluster, and its port."""
    port = free_port()
    script = both.project.script("http_server.js")
    options = {**CLUSTER, "script": script, "env": {"PORT": port}, **options}
    return both.file(**options), port


def ask(port: int, path: str = "/") -> dict[str, Any]:
    status, _, body = get(port, path)
    assert status == 200
    answer: dict[str, Any] = json.loads(body)
    return answer


def instances(port: int, count: int) -> Counter[str]:
    """Which instances answer on the port, once as many as there are did."""
    seen: Counter[str] = Counter()

    def everybody() -> bool:
        seen[ask(port)["instance"]] += 1
        return len(seen) == count

    eventually(everybody)
    return seen


def rows(both: Both, which: str) -> list[tuple[int, str, str, int]]:
    """Instance, mode, status and restarts of each process."""
    found = (one["pm2_env"] for one in both.elements(which))
    return sorted(
        (int(one["NODE_APP_INSTANCE"]), one["exec_mode"], one["status"], one["restart_time"])
        for one in found
    )


ONLINE = [(number, "cluster_mode", "online", 0) for number in range(2)]


@pytest.mark.parametrize(
    "options",
    [
        {"args": ["one", "two words", "", "ä$HOME%i\\n'\""]},
        {"args": "--port 80 'x y'", "node_args": "--max-old-space-size=200", "cwd": "sub"},
        {"increment_var": "SHARD", "env": {"SHARD": "7"}, "instance_var": "WORKER"},
        {"exec_mode": None},  # instances of a Node script make a cluster
    ],
)
def test_a_worker_gets_what_it_got_under_pm2(both: Both, options: dict[str, Any]) -> None:
    own = {"TEXT": "a b", "NUMBER": 3, "TRUE": True, "OBJECT": {"b": [1, None]}}
    env = {**own, **options.get("env", {}), "DUMP_TO": str(both.dumps)}
    more = {"DUMP_TO": str(both.dumps)}
    file = both.file(**{**CLUSTER, "script": "dump.js", **options, "env": {**env, **more}})
    if variable := options.get("instance_var"):
        both.project.write(
            "dump.js", NODE_DUMP.replace("process.env.NODE_APP_INSTANCE", f"process.env.{variable}")
        )
    given = {which: dumped(both, 2) for which in both.starting(file)}
    declared = {*env, options.get("instance_var", "NODE_APP_INSTANCE")}
    for theirs, ours in zip(given["pm2"], given["pm2sd"], strict=True):
        assert Path(ours["argv"][0]).name == Path(theirs["argv"][0]).name == "node"
        for what in theirs.keys() - {"argv", "env"}:
            assert ours[what] == theirs[what], what
        # A worker sees PM2's own program in place of itself.
        assert theirs["argv"][1].endswith("/lib/ProcessContainer.js")
        assert ours["argv"][1].endswith("/dump.js")
        assert ours["argv"][2:] == theirs["argv"][2:]
        compare_environments(ours["env"], theirs["env"], declared)


def test_workers_share_a_port_and_are_listed_alike(both: Both) -> None:
    file, port = server(both)
    for which in both.starting(file):
        assert set(instances(port, 2)) == {"0", "1"}
        assert rows(both, which) == ONLINE
        for command, count in (("restart", 1), ("reload", 2)):
            run = both.pm2 if which == "pm2" else both.pm2sd
            assert run(command, both.name).exit_status == 0
            expected = [(number, "cluster_mode", "online", count) for number in range(2)]
            assert rows(both, which) == expected, (which, command)
            assert set(instances(port, 2)) == {"0", "1"}


@pytest.mark.parametrize("code", [0, 3])
def test_a_worker_that_ends_comes_back_alone(both: Both, code: int) -> None:
    file, port = server(both, restart_delay=100)
    for which in both.starting(file):
        instances(port, 2)
        left = int(ask(port, f"/exit/{code}")["instance"])
        expected = [(n, "cluster_mode", "online", int(n == left)) for n in range(2)]
        eventually(lambda which=which, expected=expected: rows(both, which) == expected)  # type: ignore[misc]
        assert set(instances(port, 2)) == {"0", "1"}


def test_a_worker_that_is_killed_comes_back(both: Both) -> None:
    file, port = server(both)
    for which in both.starting(file):
        instances(port, 2)
        victim = ask(port)
        kill(victim["pid"])
        left = int(victim["instance"])
        expected = [(n, "cluster_mode", "online", int(n == left)) for n in range(2)]
        eventually(lambda which=which, expected=expected: rows(both, which) == expected)  # type: ignore[misc]
        assert set(instances(port, 2)) == {"0", "1"}


@pytest.mark.parametrize(
    ("options", "code"),
    [({"autorestart": False}, 0), ({"stop_exit_codes": [42]}, 42)],
)
def test_a_worker_that_is_to_stay_down_does(both: Both, options: dict[str, Any], code: int) -> None:
    file, port = server(both, **options)
    for which in both.starting(file):
        instances(port, 2)
        gone = int(ask(port, f"/exit/{code}")["instance"])
        states = ["stopped" if n == gone else "online" for n in range(2)]
        expected = [(n, "cluster_mode", state, 0) for n, state in enumerate(states)]
        eventually(lambda which=which, expected=expected: rows(both, which) == expected)  # type: ignore[misc]
        assert ask(port)["instance"] == str(1 - gone), "the other one serves on"


def test_a_crash_loop_of_a_cluster_is_given_up_after_as_many_starts(both: Both) -> None:
    log = both.project.path / "starts"
    text = f"require('fs').appendFileSync({json.dumps(str(log))}, 'x'); process.exit(1)"
    script = both.project.write("ends.js", text)
    file = both.file(
        **{**CLUSTER, "instances": 1}, script=str(script), max_restarts=4, min_uptime="10s"
    )
    found = {}
    for which in both.starting(file):
        eventually(lambda which=which: both.status(which) == ["errored"], timeout=60)  # type: ignore[misc]
        found[which] = len(log.read_text())
        log.unlink()
    assert found == {"pm2": 4, "pm2sd": 4}


def test_scaling_leaves_as_many_workers_as_asked_for(both: Both) -> None:
    file, port = server(both)
    for which in both.starting(file):
        run = both.pm2 if which == "pm2" else both.pm2sd
        for count in (4, 1):
            assert run("scale", both.name, str(count)).exit_status == 0
            eventually(lambda which=which, n=count: both.status(which) == ["online"] * n)  # type: ignore[misc]
        assert len(instances(port, 1)) == 1
