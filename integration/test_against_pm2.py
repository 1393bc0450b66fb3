"""The same ecosystem file under a real PM2 and under pm2sd: what programs and scripts get to see.

PM2 is the oracle for what is observable; where pm2sd differs on purpose, the difference is named
here and in docs/differences.md.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, Result, eventually, kill, systemctl
from integration.pm2 import Pm2
from integration.test_clock import started
from pm2sd.errors import ExitStatus

NODE_DUMP = """\
const fs = require("fs");
const file = `${process.env.DUMP_TO}/${process.env.NODE_APP_INSTANCE}.json`;
fs.writeFileSync(`${file}.new`, JSON.stringify({
  argv: process.argv, execArgv: process.execArgv, cwd: process.cwd(), env: process.env,
  main: require.main === module,
}));
fs.renameSync(`${file}.new`, file);
setInterval(() => {}, 1e6);
"""

PYTHON_DUMP = """\
import json, os, signal, sys
file = f"{os.environ['DUMP_TO']}/{os.environ['NODE_APP_INSTANCE']}.json"
with open(f"{file}.new", "w") as out:
    json.dump({"argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ)}, out)
os.rename(f"{file}.new", file)
signal.pause()
"""

SHELL_DUMP = """\
#!/bin/bash
exec python3 {dump} "$0" "$@"
"""

# What systemd gives a service (systemd.exec(5), "Environment Variables Set or Propagated by the
# Service Manager"), and what shells set for themselves.
FROM_SYSTEMD = {
    "HOME", "INVOCATION_ID", "JOURNAL_STREAM", "LANG", "LOGNAME", "MANAGERPID", "NOTIFY_SOCKET",
    "SHELL", "SYSTEMD_EXEC_PID", "USER", "XDG_RUNTIME_DIR", "PWD", "SHLVL", "OLDPWD", "_",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Both:
    """One ecosystem file under each of the two, one after the other."""

    project: Project
    pm2: Pm2
    pm2sd: Pm2sd

    @property
    def name(self) -> str:
        return self.project.name("app")

    @property
    def dumps(self) -> Path:
        return self.project.path / "dumps"

    def file(self, **options: Any) -> Path:
        return self.project.ecosystem([{"name": self.name, **options}], "ecosystem.json")

    def starting(self, file: Path) -> Iterator[str]:
        """Starts the file under one, then the other; stopped and forgotten after each.

        Both get the same environment: the one of this process, and a word of the caller's own.
        """
        started = self.pm2("start", file, cwd=self.project.path)
        assert started.exit_status == 0, started
        yield "pm2"
        self.pm2("delete", self.name)
        ours = self.pm2sd("start", file)
        assert ours.exit_status in (ExitStatus.OK, ExitStatus.FAILED), ours
        assert "Traceback" not in ours.stderr
        yield "pm2sd"
        assert self.pm2sd("delete", self.name).exit_status == ExitStatus.OK

    def elements(self, which: str) -> list[dict[str, Any]]:
        """The app's elements of jlist."""
        if which == "pm2":
            return self.pm2.of(self.name)
        return [one for one in self.pm2sd("jlist").json if one["name"] == self.name]

    def status(self, which: str) -> list[str]:
        return [one["pm2_env"]["status"] for one in self.elements(which)]


@pytest.fixture
def both(project: Project, pm2: Pm2, pm2sd: Pm2sd) -> Both:
    both = Both(project, pm2, pm2sd)
    both.dumps.mkdir()
    project.write("dump.js", NODE_DUMP)
    project.write("dump.py", PYTHON_DUMP)
    project.write("dump.sh", SHELL_DUMP.format(dump=project.path / "dump.py")).chmod(0o755)
    project.write("sub/dump.js", NODE_DUMP)
    return both


def dumped(both: Both, instances: int) -> list[dict[str, Any]]:
    """What the instances were given, by instance; the dumps are taken away."""
    files = [both.dumps / f"{number}.json" for number in range(instances)]
    eventually(lambda: all(file.exists() for file in files))
    found = [json.loads(file.read_text()) for file in files]
    for file in files:
        file.unlink()
    return found


PROGRAMS: Mapping[str, dict[str, Any]] = {
    "node": {"script": "dump.js", "args": ["one", "two words", "", "ä$HOME%i\\n'\""]},
    "node_arguments": {"script": "dump.js",
                       "node_args": "--max-old-space-size=200 --trace-warnings",
                       "args": "--port 80 \"two words\" k=\"v w\" 'x y'"},
    "python": {"script": "dump.py", "args": "-v --name 'a b'", "interpreter": "python3"},
    "by_extension": {"script": "./dump.py"},
    "shell_script": {"script": "dump.sh", "args": ["a b", "$c"]},
    "executed_itself": {"script": "./dump.sh", "interpreter": "none", "args": ["x"]},
    "command_line": {"script": "python3 dump.py one 'two words' $HOME"},
    "program_in_path": {"script": "python3", "args": ["dump.py", "x"], "interpreter": "none"},
    "directory": {"script": "dump.js", "cwd": "sub"},
    "two_in_fork_mode": {"script": "dump.js", "instances": 2, "exec_mode": "fork",
                         "increment_var": "SHARD", "env": {"SHARD": "7"}},
    "own_instance_variable": {"script": "dump.js", "port": 8123},
}  # fmt: skip

ENV = {
    "PLAIN": "text", "SPACES": "  two  words ", "QUOTES": "'\"`", "DOLLAR": "$HOME ${X} %h %%",
    "NUMBER": 3000, "FRACTION": 1.5, "TRUE": True, "FALSE": False, "LINES": "a\nb",
    "BACKSLASH": "\\n\\", "UNICODE": "grüße \U0001f600", "OBJECT": {"b": [1, None], "a": "x"},
    "EMPTY": "",
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_gets_what_it_got_under_pm2(both: Both, program: str) -> None:
    options = dict(PROGRAMS[program])
    env = {**ENV, **options.pop("env", {}), "DUMP_TO": str(both.dumps)}
    file = both.file(**options, env=env)
    count = options.get("instances", 1)
    given = {which: dumped(both, count) for which in both.starting(file)}
    for theirs, ours in zip(given["pm2"], given["pm2sd"], strict=True):
        script = next((word for word in ours["argv"] if word.endswith(".js")), "")
        assert ours["argv"] == without_container(theirs["argv"], script)
        for what in theirs.keys() - {"argv", "env"}:
            assert ours[what] == theirs[what], what
        compare_environments(ours["env"], theirs["env"], {*env, "PORT", "NODE_APP_INSTANCE"})
        assert ours["env"]["PWD"] == ours["cwd"]  # PM2's is the caller's, or cwd as it is written


def test_a_deployments_variables_come_with_its_env(both: Both) -> None:
    """``--env NAME`` takes ``deploy.NAME.env`` as well, over env and under env_NAME."""
    env = {"DUMP_TO": str(both.dumps), "A": 1, "B": 1, "C": 1}
    app = {"name": both.name, "script": "dump.js", "env": env, "env_live": {"C": 3}}
    config = {"apps": [app], "deploy": {"live": {"env": {"B": 2, "C": 2, "D": 2}}}}
    file = both.project.write("ecosystem.json", json.dumps(config))
    for run in (both.pm2, both.pm2sd):
        assert run("start", file, "--env", "live", cwd=both.project.path).exit_status == 0
        (given,) = dumped(both, 1)
        assert {name: given["env"][name] for name in "ABCD"} == dict(
            zip("ABCD", "1232", strict=True)
        )
        assert run("delete", both.name).exit_status == 0


def managers_environment() -> set[str]:
    """The variables that the user manager gives to all its services, but PATH."""
    lines = systemctl("show-environment").stdout.splitlines()
    return {line.partition("=")[0] for line in lines} - {"PATH"}


def without_container(argv: list[str], script: str) -> list[str]:
    """PM2 runs Node scripts by a program of its own, which they see in place of themselves."""
    container = "/lib/ProcessContainerFork.js"
    return [script if word.endswith(container) else word for word in argv]


def compare_environments(ours: dict[str, str], theirs: dict[str, str], declared: set[str]) -> None:
    """What the file says is the same; nothing else is there but systemd's and what PM2 gave too."""
    assert {name: ours.get(name) for name in declared} == {
        name: theirs.get(name) for name in declared
    }
    from_systemd = FROM_SYSTEMD | managers_environment()
    added = ours.keys() - theirs.keys() - from_systemd
    # Where PM2 wraps a Node script into a program of its own, a module is loaded before it.
    assert added <= {"NODE_OPTIONS"}
    if added:
        assert re.fullmatch(r"--require \S+/pm2sd-preload\.cjs", ours["NODE_OPTIONS"])
    shared = (ours.keys() & theirs.keys()) - from_systemd
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}
    # PM2 exports its own options and the whole shell; none of that comes along.
    assert not ours.keys() & {"pm_id", "status", "exec_mode", "PM2_HOME", "unique_id", "A_WORD"}


# Keys of pm2_env that jlist does not have here, and why.
NOT_CARRIED = {
    # PM2's own channel into the process, and its paid service
    "axm_actions", "axm_monitor", "axm_options", "axm_dynamic", "km_link", "pmx", "automation",
    "unique_id", "vizion", "vizion_running",
    # how PM2 does what systemd does another way
    "kill_retry_time", "windowsHide", "pm_pid_path", "_pm2_version", "filter_env",
    # not known without running the program
    "node_version",
}  # fmt: skip

SAME = (
    "name", "namespace", "exec_mode", "status", "pm_exec_path", "pm_cwd", "args", "instances",
    "node_args", "instance_var", "merge_logs", "autostart", "autorestart", "treekill", "username",
    "max_memory_restart", "max_restarts", "min_uptime", "kill_timeout", "restart_delay",
    "stop_exit_codes", "watch", "version", "restart_time", "unstable_restarts", "PLAIN",
    "pm_out_log_path", "pm_err_log_path", "NODE_APP_INSTANCE",
)  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"script": "dump.js"},
        {"script": "dump.py", "interpreter": "python3", "args": ["a", "b c"], "watch": False},
        {"script": "dump.js", "instances": 2, "exec_mode": "fork", "merge_logs": True,
         "node_args": ["--trace-warnings"], "namespace": "things", "max_memory_restart": "300M",
         "max_restarts": 7, "min_uptime": "2s", "kill_timeout": 3000, "restart_delay": 50,
         "stop_exit_codes": [42, 43], "autorestart": True, "treekill": False, "instance_var": "N",
         "out_file": "out.log", "error_file": "err.log"},
    ],
)  # fmt: skip
def test_jlist_has_the_shape_of_pm2s(both: Both, options: dict[str, Any]) -> None:
    both.project.write("package.json", json.dumps({"version": "1.2.3"}))
    env = {"PLAIN": "text", "DUMP_TO": str(both.dumps)}
    file = both.file(**options, env=env)
    found = {}
    for which in both.starting(file):
        eventually(lambda which=which: set(both.status(which)) == {"online"})  # type: ignore[misc]
        found[which] = sorted(both.elements(which), key=lambda one: one["pm_id"])
    assert len(found["pm2"]) == len(found["pm2sd"]) == options.get("instances", 1)
    for theirs, ours in zip(found["pm2"], found["pm2sd"], strict=True):
        assert ours.keys() == theirs.keys()
        assert ours["monit"].keys() == theirs["monit"].keys()
        compare_options(ours["pm2_env"], theirs["pm2_env"], options)


def compare_options(
    ours: dict[str, Any], theirs: dict[str, Any], options: Mapping[str, Any]
) -> None:
    # PM2 repeats the whole shell and what it gave the process beside the options.
    shell = os.environ.keys() | theirs["env"].keys()
    missing = theirs.keys() - ours.keys() - shell
    if "out_file" not in options:
        missing -= {"pm_out_log_path", "pm_err_log_path"}  # it goes to the journal
    assert missing <= NOT_CARRIED
    for key in SAME:
        if key in theirs and key in ours:
            assert ours[key] == theirs[key], key
    assert Path(ours["exec_interpreter"]).name == theirs["exec_interpreter"]
    for key in ("pm_uptime", "created_at"):
        assert isinstance(ours[key], int)
        assert abs(ours[key] - theirs[key]) < 60_000
    assert type(ours["env"]) is type(theirs["env"])


def starts(both: Both) -> int:
    log = both.project.path / "starts"
    return len(log.read_text().splitlines()) if log.exists() else 0


def ending(both: Both, then: str) -> str:
    """A script that notes its start and then ends."""
    log = both.project.path / "starts"
    return str(both.project.write("ends.sh", f"echo x >> {log}\n{then}\n"))


def settled(both: Both, which: str, expected: set[str]) -> tuple[int, str]:
    """How often the app was started when it came to rest in one of some states."""
    eventually(lambda: set(both.status(which)) <= expected and starts(both) > 0, timeout=60)
    count, (state,) = starts(both), both.status(which)
    (both.project.path / "starts").unlink()
    return count, state


@pytest.mark.parametrize("code", [0, 1])
def test_a_crash_loop_is_given_up_after_as_many_starts(both: Both, code: int) -> None:
    # A start of less than min_uptime is what both count; a busy machine may take a second to one.
    file = both.file(script=ending(both, f"exit {code}"), max_restarts=5, min_uptime="10s")
    found = {which: settled(both, which, {"errored"}) for which in both.starting(file)}
    assert found["pm2"] == found["pm2sd"] == (5, "errored")


@pytest.mark.parametrize(
    ("options", "then", "state"),
    [
        ({"autorestart": False}, "exit 0", "stopped"),
        ({"stop_exit_codes": [42, 43]}, "exit 43", "stopped"),
        ({"stop_exit_codes": "42"}, "exit 42", "stopped"),
    ],
)
def test_an_end_that_is_meant_is_no_restart(
    both: Both, options: dict[str, Any], then: str, state: str
) -> None:
    file = both.file(script=ending(both, then), **options)
    found = {which: settled(both, which, {state}) for which in both.starting(file)}
    assert found["pm2"] == found["pm2sd"] == (1, state)


def test_a_failure_that_is_not_restarted_is_shown_as_one(both: Both) -> None:
    """PM2 calls it stopped, as if somebody had stopped it."""
    file = both.file(script=ending(both, "exit 3"), autorestart=False)
    found = {
        which: (*settled(both, which, {"stopped", "errored"}), codes(both, which))
        for which in both.starting(file)
    }
    assert found == {"pm2": (1, "stopped", [3]), "pm2sd": (1, "errored", [3])}


def codes(both: Both, which: str) -> list[int]:
    return [one["pm2_env"].get("exit_code") for one in both.elements(which)]


def test_a_signal_is_not_taken_for_exit_code_0(both: Both) -> None:
    """With PM2 an app killed by the kernel stays down if 0 is one of stop_exit_codes."""
    script = ending(both, "exec sleep 1000")
    file = both.file(script=script, stop_exit_codes=[0], min_uptime=100)
    found = {}
    for which in both.starting(file):
        eventually(lambda: starts(both) == 1)
        (one,) = eventually(lambda which=which: both.elements(which))  # type: ignore[misc]
        eventually(lambda one=one: command(one["pid"]) == "sleep")  # type: ignore[misc]
        kill(one["pid"])
        if which == "pm2":
            eventually(lambda: both.status("pm2") == ["stopped"])
        else:
            eventually(lambda: starts(both) == 2)
        found[which] = starts(both)
        (both.project.path / "starts").unlink()
    assert found == {"pm2": 1, "pm2sd": 2}


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_restarts_are_counted_alike(both: Both) -> None:
    """Those after a crash and those by hand; a stop and a start are none."""
    file = both.file(script="dump.js", env={"DUMP_TO": str(both.dumps)})
    for which in both.starting(file):
        for count in (1, 2):
            dumped(both, 1)
            (one,) = both.elements(which)
            kill(one["pid"])
            eventually(
                lambda which=which, count=count: (
                    [  # type: ignore[misc]
                        (one["pm2_env"]["restart_time"], one["pm2_env"]["status"])
                        for one in both.elements(which)
                    ]
                    == [(count, "online")]
                )
            )
        dumped(both, 1)
        run: Callable[..., Result] = both.pm2 if which == "pm2" else both.pm2sd
        for command, count in (("restart", 3), ("reload", 4), ("stop", 4), ("start", 4)):
            assert run(command, both.name).exit_status == 0
            (one,) = both.elements(which)
            assert one["pm2_env"]["restart_time"] == count, (which, command)
        dumped(both, 1)


@pytest.mark.parametrize("cause", ["watch", "cron_restart"])
def test_restarts_by_the_watcher_and_by_the_clock_count(both: Both, cause: str) -> None:
    """Beside one after a crash, which they do not make forgotten."""
    watched = both.project.path / "watched"
    watched.mkdir()
    options: Any = {"watch": [str(watched)], "cron_restart": "* * * * * *"}
    file = both.file(script=ending(both, "exec sleep 1000"), **{cause: options[cause]})
    for which in both.starting(file):

        def counted(which: str = which) -> int:
            (one,) = both.elements(which)
            return int(one["pm2_env"]["restart_time"])

        def changed(counted: Callable[[], int] = counted) -> bool:
            (watched / "file").write_text(f"{time.monotonic()}")  # PM2 may not look yet
            return counted() > 1

        def crash(which: str = which) -> bool:
            (one,) = both.elements(which)
            kill(one["pid"])  # none while the clock restarts it
            return True

        eventually(lambda: starts(both) > 0)
        eventually(crash)
        eventually(lambda counted=counted: counted() > 0)  # type: ignore[misc]
        eventually(changed if cause == "watch" else lambda counted=counted: counted() > 2)  # type: ignore[misc]
        noted = starts(both)  # before it is counted; an app that is restarted at once notes nothing
        eventually(lambda counted=counted, least=noted - 1: counted() >= least)  # type: ignore[misc]
        if which == "pm2sd":
            unit = f"{both.name}@0.service"
            eventually(lambda counted=counted, unit=unit: counted() == started(unit) - 1)  # type: ignore[misc]
        (both.project.path / "starts").unlink()


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("say.py", "import sys\nsys.stdout.write({out!r})\nsys.stderr.write({err!r})\n"),
        ("say.js", "process.stdout.write({out});\nprocess.stderr.write({err});\n"),
    ],
)
def test_log_files_hold_the_same_bytes(both: Both, script: str, text: str) -> None:
    # Less than a pipe holds: of an app that ends at once PM2 loses what comes after that.
    out = "one\n  two  \n\n" + "x" * 50_000 + "\ngrüße\n\ttab\nno newline at the end"
    err = "error\n"
    as_js = script.endswith(".js")
    out_, err_ = (json.dumps(out), json.dumps(err)) if as_js else (out, err)
    both.project.write(script, text.format(out=out_, err=err_))
    file = both.file(
        script=script, autorestart=False, out_file="logs/out.log", error_file="logs/err.log"
    )
    paths = [both.project.path / "logs" / name for name in ("out.log", "err.log")]
    found = {}
    for which in both.starting(file):
        eventually(lambda: [path.read_text() for path in paths] == [out, err])
        found[which] = [path.read_bytes() for path in paths]
        for path in paths:
            path.unlink()
    assert found["pm2"] == found["pm2sd"]
