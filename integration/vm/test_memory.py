"""Limits of memory where the kernel enforces them, beside PM2's.

The apps are integration/apps/grows.js; sizes are MB of 2**20 bytes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from integration.harness import eventually
from integration.vm.machine import PATIENCE, Machine, only

MB = 2**20
GROWS = "/src/integration/apps/grows.js"
PM2 = "PM2_DISABLE_VERSION_CHECK=true node /src/benchmarks/.pm2/node_modules/pm2/bin/pm2"
LIMIT = 64

# Requests, one after the other and each on a connection of its own, until the file "enough" is
# there; then how many were answered, and how many not.
CLIENT = """
import http.client, os, time
answered = failed = 0
while not os.path.exists("enough"):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=20)
        connection.request("GET", "/")
        connection.getresponse().read()
        answered += 1
    except OSError as error:
        print(repr(error), flush=True)
        failed += 1
    time.sleep(0.1)
print(answered, failed)
"""

# The most MB that the app "leak" and the child of the app "child" have resident, until PM2 has
# restarted the former.
WATCH = """
import json, os, time
def pid(name):
    try:
        return open(os.path.expanduser(f"~/.pm2/pids/{name}.pid")).read()
    except FileNotFoundError:  # not for as long as it does not run
        return ""
def fields(pid, file):
    return open(f"/proc/{pid}/{file}").read().rpartition(")")[2].split()
most, first = {"leak": 0, "child": 0}, pid("leak-0")
while not first:
    first = pid("leak-0")
def note(app, process):
    most[app] = max(most[app], int(fields(process, "statm")[1]) * 4096 // 2**20)
while pid("leak-0") in ("", first):
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if process == first:
                note("leak", process)
            elif fields(process, "stat")[1] == pid("child-1"):
                note("child", process)
        except OSError:
            pass
    time.sleep(0.5)
print(json.dumps(most))
"""


def ok(machine: Machine, command: str) -> str:
    done = machine.run(command)
    assert done.exit_status == 0, done
    return done.stdout


def apply(machine: Machine, *apps: dict[str, Any]) -> str:
    base = {"script": GROWS, "restart_delay": 500, "max_restarts": 1000}
    machine.write("ecosystem.json", json.dumps({"apps": [{**base, **app} for app in apps]}))
    done = machine.run("pm2sd apply --prune ecosystem.json")
    assert done.exit_status == 0, done
    return done.stdout + done.stderr


def rows(machine: Machine, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = machine.run(f"pm2sd status --json {name}").json
    return found


def pids(machine: Machine, name: str) -> list[int]:
    return [row["pid"] for row in rows(machine, name)]


def killed(machine: Machine, name: str) -> list[dict[str, Any]]:
    """The app's instances, once one of them is back after having been killed for its memory."""

    def look() -> list[dict[str, Any]]:
        found = rows(machine, name)
        return found if any(row["oom"] and row["state"] == "online" for row in found) else []

    return eventually(look, PATIENCE)


def group(machine: Machine, file: str) -> str:
    """A file of the control groups of apps: ``app-pm2sd-NAME.slice/memory.peak``."""
    apps = "/sys/fs/cgroup/user.slice/user-$UID.slice/user@$UID.service/app.slice/app-pm2sd.slice"
    return ok(machine, f"cat {apps}/{file}").strip()


def peak(machine: Machine, name: str) -> float:
    """The most that an app has used since it was applied, in MB."""
    return int(group(machine, f"app-pm2sd-{name}.slice/memory.peak")) / MB


def test_a_leaking_app_stays_below_its_limit_and_is_back(machine: Machine) -> None:
    said = apply(machine, {"name": "leak", "max_memory_restart": f"{LIMIT}M"})
    assert "nothing enforces" not in said
    (row,) = killed(machine, "leak")
    assert row["state"] == "online"
    assert row["restarts"] >= 1
    # The slice itself takes some KB of the kernel's.
    assert LIMIT - 1 < peak(machine, "leak") < LIMIT + 0.5
    back = re.compile(r"\d+ \(oom\) +online")  # it is soon killed again
    eventually(lambda: back.search(ok(machine, "pm2sd status leak")), PATIENCE)
    told = f"max_memory_restart is {LIMIT}M"
    assert f"ran out of memory and was killed (oom): {told}" in ok(machine, "pm2sd describe leak")
    killed_for = f"killed by the OOM killer: {told}"
    eventually(lambda: killed_for in ok(machine, "pm2sd logs leak --nostream"), PATIENCE)

    def online() -> dict[str, Any]:
        (one,) = machine.run("pm2sd jlist").json
        assert one["pm2_env"]["status"] == "online"
        return dict(one)

    element = eventually(online, PATIENCE)
    assert "oom" not in element.keys() | element["pm2_env"].keys()


@only("13")
def test_a_leaking_child_of_a_shell_counts(machine: Machine) -> None:
    command = f"node {GROWS} & wait; sleep 1000"
    app = {"name": "child", "script": "bash", "interpreter": "none", "args": ["-c", command]}
    apply(machine, {**app, "max_memory_restart": f"{LIMIT}M"})
    first = pids(machine, "child")
    killed(machine, "child")
    eventually(lambda: pids(machine, "child") != first, PATIENCE)  # the shell, too, is a new one
    assert LIMIT - 1 < peak(machine, "child") < LIMIT + 0.5
    assert "killed (oom)" in ok(machine, "pm2sd describe child")


@only("13")
def test_without_autorestart_it_stays_down_and_says_why(machine: Machine) -> None:
    apply(machine, {"name": "once", "max_memory_restart": f"{LIMIT}M", "autorestart": False})
    eventually(lambda: rows(machine, "once")[0]["state"] == "errored", PATIENCE)
    (row,) = rows(machine, "once")
    assert (row["pid"], row["result"], row["oom"]) == (None, "oom-kill", True)
    assert "errored (oom)" in machine.run("pm2sd status once").stdout


@only("13")
def test_instances_together_stay_below_the_total(machine: Machine) -> None:
    app = {"name": "sum", "instances": 2, "exec_mode": "fork"}
    apply(machine, {**app, "memory_total": "96M"})
    killed(machine, "sum")
    assert 95 < peak(machine, "sum") <= 96
    logs = "pm2sd logs sum --nostream --lines 40"
    eventually(lambda: "memory_total is 96M" in ok(machine, logs), PATIENCE)


@only("12")
def test_limits_are_changed_while_it_runs(machine: Machine) -> None:
    def limits() -> list[str]:
        mine = "app-pm2sd-calm.slice"
        files = (f"{mine}/memory.max", f"{mine}/calm@0.service/memory.max")
        return [group(machine, file) for file in files]

    app = {"name": "calm", "script": "sleep", "args": "1000", "interpreter": "none"}
    apply(machine, app)
    first = pids(machine, "calm")
    assert limits() == ["max", "max"]
    apply(machine, {**app, "max_memory_restart": "100M", "memory_total": "300M"})
    assert limits() == [str(300 * MB), str(100 * MB)]
    apply(machine, {**app, "max_memory_restart": "80M", "memory_policy": "graceful"})
    assert limits() == ["max", str(120 * MB)]
    apply(machine, app)
    assert limits() == ["max", "max"]
    assert pids(machine, "calm") == first


def test_a_graceful_restart_drops_nothing(machine: Machine) -> None:
    apply(
        machine,
        {
            "name": "web",
            "exec_mode": "cluster",
            "instances": 2,
            "env": {"PORT": "8080", "MEGABYTES": "56"},
            "max_memory_restart": f"{LIMIT}M",
            "memory_policy": "graceful",
        },
    )
    check = "systemctl --user start web:memory.service"
    first = pids(machine, "web")
    machine.write("client.py", CLIENT)
    machine.run("rm -f enough; exec setsid python3 -u client.py >client.txt 2>&1 </dev/null &")

    # The cache of files is no reason.
    ok(machine, "head -c 60M /dev/zero >big && curl -sSf localhost:8080/read/$HOME/big")
    ok(machine, check)
    assert pids(machine, "web") == first

    pid = int(ok(machine, "curl -sSf localhost:8080/grow"))
    assert pid in first
    eventually(lambda: pid not in pids(machine, "web"), PATIENCE)  # by its own timer
    ok(machine, check)  # waits for the end of it
    after = pids(machine, "web")
    ok(machine, "touch enough")
    told = eventually(
        lambda: re.search(r"^(\d+) (\d+)$", ok(machine, "tail -n1 client.txt")), PATIENCE
    )
    assert told

    assert len(set(first) & set(after)) == 1
    assert int(told[1]) > 20
    assert told[2] == "0", ok(machine, "cat client.txt")
    assert peak(machine, "web") < 3 * LIMIT
    assert not any(row["oom"] for row in rows(machine, "web"))
    uses = re.compile(rf"web@\d uses \d+M, max_memory_restart is {LIMIT}M")
    eventually(lambda: uses.search(log(machine)), PATIENCE)


def log(machine: Machine) -> str:
    return ok(machine, "pm2sd logs web --nostream --lines 40")


@only("12")
def test_pm2_looks_every_30_seconds_and_at_the_main_process_only(machine: Machine) -> None:
    limits = {"max_memory_restart": f"{LIMIT}M", "env": {"MEGABYTES": "150"}}
    shell = {"script": "bash", "interpreter": "none", "args": ["-c", f"node {GROWS}; sleep 1000"]}
    apps = [{"name": "leak", "script": GROWS, **limits}, {"name": "child", **shell, **limits}]
    machine.write("pm2.json", json.dumps({"apps": apps}))
    machine.write("watch.py", WATCH)
    done = machine.run(f"{PM2} start pm2.json")
    assert done.exit_status == 0, done
    try:
        used = machine.run("python3 watch.py").json
        counted = json.loads(ok(machine, f"{PM2} jlist").splitlines()[-1])
    finally:
        machine.run(f"{PM2} kill")
    restarts = {one["name"]: one["pm2_env"]["restart_time"] for one in counted}
    print(f"PM2 with a limit of {LIMIT} MB: {used}, restarts: {restarts}")
    assert restarts == {"leak": 1, "child": 0}
    assert used["leak"] > 2 * LIMIT
    assert used["child"] > 2 * LIMIT
