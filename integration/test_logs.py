"""logs and flush against a real journal and real files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, run, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.journal import suppressed

WITHIN = 60.0


def test_a_log_file_that_cannot_be_read_is_named(pm2sd: Pm2sd, project: Project) -> None:
    names = [project.name(name) for name in "ab"]
    apps = [
        {"name": name, "script": "echo said by $name; exec sleep 1000", "env": {"name": name}}
        for name in names
    ]
    apps[0] |= {"out_file": "a.log", "error_file": "a.log"}
    assert pm2sd("apply", project.ecosystem(apps)).exit_status == ExitStatus.OK
    file = project.path / "a.log"
    eventually(lambda: "said by" in file.read_text())
    eventually(lambda: pm2sd("logs", names[1], "--nostream", "--raw").stdout)
    file.chmod(0)
    both = pm2sd("logs", *names, "--nostream", "--raw")
    assert both.exit_status == ExitStatus.OK, both
    assert both.stdout == f"said by {names[1]}\n"
    assert f"error: cannot read {file}: Permission denied" in both.stderr
    blind = pm2sd("logs", names[0], "--nostream", "--raw")
    assert (blind.exit_status, blind.stdout) == (ExitStatus.FAILED, "")
    assert f"error: cannot read {file}: Permission denied" in blind.stderr
    file.chmod(0o600)
    read = pm2sd("logs", names[0], "--nostream", "--raw")
    assert (read.exit_status, read.stdout, read.stderr) == (0, f"said by {names[0]}\n", "")


class Repeater:
    """An app that prints what it is told to."""

    def __init__(self, pm2sd: Pm2sd, project: Project) -> None:
        self._pm2sd, self.project = pm2sd, project
        self.fifo = project.path / "fifo"

    def apply(self, *more: dict[str, Any], **options: Any) -> None:
        app = {
            "name": self.name,
            "script": self.project.script("repeats.py"),
            "interpreter": sys.executable,
            "args": str(self.fifo),
            **options,
        }
        result = self._pm2sd("apply", self.project.ecosystem([app, *more]))
        assert result.exit_status == ExitStatus.OK, result
        eventually(self.fifo.is_fifo)

    @property
    def name(self) -> str:
        return self.project.name("says")

    def say(self, *lines: str | bytes) -> None:
        with self.fifo.open("wb") as file:
            for line in lines:
                file.write((line.encode() if isinstance(line, str) else line) + b"\n")

    def history(self, *options: str) -> list[str]:
        result = self._pm2sd("logs", self.name, "--nostream", *options)
        assert result.exit_status == ExitStatus.OK, result
        return result.stdout.splitlines()

    def said(self, *options: str) -> list[str]:
        return self.history("--raw", *options)


@pytest.fixture
def repeater(pm2sd: Pm2sd, project: Project) -> Repeater:
    return Repeater(pm2sd, project)


@contextmanager
def following(pm2sd: Pm2sd, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        pm2sd.command("logs", *arguments),
        cwd=pm2sd.project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next lines, empty once a command that hangs was ended for it."""
    assert process.stdout
    giving_up = threading.Timer(WITHIN, process.kill)
    giving_up.start()
    try:
        return [process.stdout.readline().rstrip("\n") for _ in range(count)]
    finally:
        giving_up.cancel()


def id_of(pm2sd: Pm2sd, name: str) -> str:
    return pm2sd("id", name).stdout.strip()


def test_lines_are_prefixed_by_who_printed_them(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    repeater.say("to stdout", "an err line")
    prefix = f"{id_of(pm2sd, repeater.name)}|{repeater.name}@0 | "
    eventually(lambda: len(repeater.said()) == 2)
    lines = [line for line in repeater.history() if not line.startswith("systemd")]
    assert sorted(lines) == [prefix + "an err line", prefix + "to stdout"]
    assert repeater.said("--out") == ["to stdout"]
    assert repeater.said("--err") == ["an err line"]
    assert sorted(repeater.said("--err", "--out")) == ["an err line", "to stdout"]


def test_what_systemd_says_stands_between_the_lines(pm2sd: Pm2sd, project: Project) -> None:
    name = project.name("crash")
    app = {"name": name, "script": project.script("exits.py"), "args": "7", "max_restarts": 2}
    file = project.ecosystem([{**app, "min_uptime": "10s", "restart_delay": 1000}])
    pm2sd("apply", file)

    def ended() -> list[str]:
        lines = pm2sd("logs", name, "--nostream").stdout.splitlines()
        assert sum("repeated too quickly" in line for line in lines) == 1
        assert sum(line.endswith("exit 7") for line in lines) == 2
        return lines

    lines = eventually(ended)
    text = "\n".join(re.sub(r"^\S+ +\| ", "", line) for line in lines)
    # Of lines that an app and systemd write at one moment either may be the first in the journal.
    for first in ("exiting with 7", "exit 7", "code=exited, status=7"):
        assert -1 < text.find(first) < text.find("Scheduled restart job"), text
    assert text.find("Scheduled restart job") < text.rfind("exit 7")
    events = [json.loads(line) for line in
              pm2sd("logs", name, "--nostream", "--json").stdout.splitlines()]  # fmt: skip
    assert {event["type"] for event in events} == {"out", "err", "process_event"}


def test_json_has_pm2s_shape(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    before = time.time()
    repeater.say("one", "err two", b"bytes \xff\xfe", "é")
    eventually(lambda: len(repeater.said()) == 4)
    records = [json.loads(line) for line in repeater.history("--json", "--out", "--err")]
    messages = {kind: [one["message"] for one in records if one["type"] == kind]
                for kind in ("out", "err")}  # fmt: skip
    assert messages == {"out": ["one", "bytes ��", "é"], "err": ["err two"]}
    assert {record["app_name"] for record in records} == {repeater.name}
    assert {record["process_id"] for record in records} == {int(id_of(pm2sd, repeater.name))}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", records[0]["timestamp"])
    stamped = time.strptime(records[0]["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(stamped) - time.timezone - before) < WITHIN


def test_the_last_lines_of_each_app_in_the_order_of_time(
    pm2sd: Pm2sd, project: Project, repeater: Repeater
) -> None:
    talker = {
        "name": project.name("talks"),
        "script": project.script("talks.py"),
        "interpreter": sys.executable,
        "args": "20",
    }
    repeater.apply(talker)
    every = ("logs", talker["name"], "--nostream", "--raw", "--lines", "99")
    eventually(lambda: len(pm2sd(*every).stdout.splitlines()) == 40)
    repeater.say("later")
    eventually(lambda: repeater.said() == ["later"])
    both = ("logs", repeater.name, talker["name"], "--nostream", "--raw")
    last = pm2sd(*both, "--lines", "2", "--err").stdout.splitlines()
    assert last == ["err 19", "err 20"]
    last = pm2sd(*both, "--lines", "2", "--out").stdout.splitlines()
    assert last == ["out 19", "out 20", "later"]
    assert len(pm2sd(*both).stdout.splitlines()) == 15 + 1
    assert pm2sd(*both, "--lines", "0").stdout == ""


def test_following_goes_on_where_history_ended(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    repeater.say(*(f"old {n}" for n in range(5)))
    eventually(lambda: len(repeater.said()) == 5)
    repeater.say(*(f"just now {n}" for n in range(5)))
    with following(pm2sd, repeater.name, "--raw", "--lines", "100") as process:
        assert next_lines(process, 5) == [f"old {n}" for n in range(5)]
        assert next_lines(process, 5) == [f"just now {n}" for n in range(5)]
        for number in range(3):
            repeater.say(f"new {number}")
            assert next_lines(process, 1) == [f"new {number}"]


def test_following_everything_takes_in_new_apps_and_instances(
    pm2sd: Pm2sd, project: Project, repeater: Repeater
) -> None:
    repeater.apply()
    new = project.name("new")
    talker = {"name": new, "script": project.script("talks.py"), "args": "1",
              "interpreter": sys.executable}  # fmt: skip
    repeater.say("ready")
    eventually(lambda: repeater.said() == ["ready"])
    with following(pm2sd, "--lines", "1", "--json", "--out") as process:
        while json.loads(*next_lines(process, 1))["message"] != "ready":
            pass
        for instances in (1, 2):
            repeater.apply({**talker, "instances": instances})
            while (line := json.loads(*next_lines(process, 1)))["app_name"] != new:
                pass
            assert (line["message"], line["type"]) == ("out 1", "out")
            assert line["process_id"] in pm2sd("id", new, "--json").json


def test_ctrl_c_ends_following_with_0_and_leaves_nothing_running(
    pm2sd: Pm2sd, repeater: Repeater
) -> None:
    repeater.apply()
    repeater.say("hello")
    eventually(lambda: repeater.said() == ["hello"])
    with following(pm2sd, repeater.name, "--raw") as process:
        assert next_lines(process, 1) == ["hello"]
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        journalctl = eventually(lambda: children.read_text().split())
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=WITHIN)
        assert (process.returncode, stderr) == (0, "")
        eventually(lambda: not Path(f"/proc/{journalctl[0]}").exists())


def test_a_reader_that_goes_away_ends_following_at_once(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    repeater.say("hello")
    eventually(lambda: repeater.said() == ["hello"])
    with following(pm2sd, repeater.name, "--raw") as process:
        assert next_lines(process, 1) == ["hello"]
        assert process.stdout
        process.stdout.close()
        assert process.wait(WITHIN) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_history_into_a_closed_pipe_is_quiet(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    repeater.say(*(f"line {n}" for n in range(3000)))
    eventually(lambda: len(repeater.said("--lines", "9999")) == 3000)
    command = " ".join(pm2sd.command("logs", repeater.name, "--nostream", "--lines", "9999"))
    result = run("bash", "-c", f"set -o pipefail; {command} | head -1", cwd=repeater.project.path)
    assert (result.exit_status, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1


def test_bytes_reach_the_terminal_as_they_are(pm2sd: Pm2sd, repeater: Repeater) -> None:
    files = {"out_file": str(repeater.project.path / "out.log")}
    repeater.apply(**files)
    repeater.say(b"\xff\xfe and \x1b[1mbold\x1b[0m")
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def printed() -> bool:
        result = pm2sd("logs", repeater.name, "--nostream", "--raw", env=env)
        return result.stdout == "\udcff\udcfe and \x1b[1mbold\x1b[0m\n"

    eventually(printed)


def test_files_are_read_and_followed_through_truncation_and_rotation(
    pm2sd: Pm2sd, repeater: Repeater
) -> None:
    out, err = repeater.project.path / "out.log", repeater.project.path / "err.log"
    repeater.apply(out_file=str(out), error_file=str(err))
    repeater.say("one", "two", "err three")
    eventually(lambda: sorted(repeater.said()) == ["err three", "one", "two"])
    assert repeater.said("--err") == ["err three"]
    assert repeater.said("--lines", "1", "--out") == ["two"]
    with following(pm2sd, repeater.name, "--out", "--lines", "1") as process:
        prefix = f"{id_of(pm2sd, repeater.name)}|{repeater.name}@0 | "
        assert next_lines(process, 1) == [f"{prefix}two"]
        repeater.say("three")
        assert next_lines(process, 1) == [f"{prefix}three"]
        os.truncate(out, 0)
        repeater.say("four")
        assert next_lines(process, 1) == [f"{prefix}four"]
        out.rename(out.with_suffix(".1"))
        assert pm2sd("restart", repeater.name).exit_status == ExitStatus.OK
        eventually(out.exists)
        repeater.say("five")
        assert next_lines(process, 1) == [f"{prefix}five"]


def test_instances_that_share_a_file_are_shown_by_the_apps_name(
    pm2sd: Pm2sd, project: Project
) -> None:
    name, log = project.name("shared"), project.path / "all.log"
    app = {"name": name, "script": project.script("talks.py"), "args": "1", "instances": 2,
           "interpreter": sys.executable, "log_file": str(log), "merge_logs": True}  # fmt: skip
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    eventually(lambda: log.read_text().count("err 1") == 2)
    lines = pm2sd("logs", name, "--nostream").stdout.splitlines()
    printed = sorted(line for line in lines if not line.startswith("systemd"))
    assert [re.split(r" +\| ", line) for line in printed] == [
        [name, "err 1"],
        [name, "err 1"],
        [name, "out 1"],
        [name, "out 1"],
    ]


def test_grep_and_since_choose_lines(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    repeater.say("apple", "Banana", "cherry")
    eventually(lambda: len(repeater.said()) == 3)
    assert repeater.said("--grep", "AN|ch") == ["cherry"]
    assert repeater.said("--grep", "an|ch") == ["Banana", "cherry"]
    assert repeater.said("--grep", "B.n") == ["Banana"]
    assert repeater.said("--grep", "e", "--lines", "1") == ["cherry"]
    assert repeater.said("--since", "1 hour ago") == ["apple", "Banana", "cherry"]
    assert repeater.said("--since", "1 hour ago", "--lines", "2") == ["Banana", "cherry"]
    assert repeater.said("--since", "+1 hour") == []
    for option, value in (("--since", "no such day"), ("--grep", "(")):
        bad = pm2sd("logs", repeater.name, "--nostream", option, value)
        assert bad.exit_status == ExitStatus.USAGE, bad
        assert bad.stderr.startswith("error:")


def test_timestamps_are_those_of_log_date_format(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    repeater.say("plain")
    eventually(lambda: repeater.said() == ["plain"])
    (line,) = repeater.said("--timestamp")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d\d:\d\d:\d\d: plain", line)
    repeater.apply(log_date_format="YYYY.MM.DD [at] HH[h]")
    (line,) = repeater.said()
    assert re.fullmatch(r"\d{4}\.\d\d\.\d\d at \d\dh: plain", line)


def test_an_unknown_app_exits_4_with_the_nearest_name(pm2sd: Pm2sd, repeater: Repeater) -> None:
    repeater.apply()
    for command in ("logs", "flush"):
        result = pm2sd(command, f"{repeater.name}x")
        assert result.exit_status == ExitStatus.NO_SUCH_APP
        assert repr(repeater.name) in result.stderr


def test_lines_that_come_fast_are_said_to_be_dropped_perhaps(
    pm2sd: Pm2sd, repeater: Repeater
) -> None:
    repeater.apply()
    repeater.say(*(f"line {number}" for number in range(200)))
    eventually(lambda: repeater.said("--lines", "1") == ["line 199"], WITHIN)
    told = pm2sd("logs", repeater.name, "--nostream", "--lines", "100")
    hidden = "only members of the group systemd-journal can read" in told.stderr
    assert hidden == (suppressed("-1h") is None), told.stderr


def test_flush_empties_files_and_hides_the_journal(
    pm2sd: Pm2sd, project: Project, repeater: Repeater
) -> None:
    other = {"name": project.name("other"), "script": project.script("talks.py"), "args": "1",
             "interpreter": sys.executable}  # fmt: skip
    log = project.path / "out.log"
    repeater.apply(other, out_file=str(log))
    repeater.say("to the file", "err to the journal")
    eventually(lambda: len(repeater.said()) == 2)
    state = {"XDG_STATE_HOME": str(project.path / "state")}

    def said(name: str) -> list[str]:
        return pm2sd("logs", name, "--nostream", "--raw", env=state).stdout.splitlines()

    eventually(lambda: sorted(said(other["name"])) == ["err 1", "out 1"])
    flushed = pm2sd("flush", repeater.name, env=state)
    assert flushed.stdout.splitlines() == [
        f"{repeater.name}: emptied {log}",
        f"{repeater.name}: lines in the journal until now are hidden from pm2sd logs",
    ]
    assert log.read_bytes() == b""
    assert said(repeater.name) == []
    assert sorted(said(other["name"])) == ["err 1", "out 1"]
    repeater.say("a new line", "err a new one")
    eventually(lambda: sorted(said(repeater.name)) == ["a new line", "err a new one"])
    hidden = run("journalctl", "--user", "-o", "cat", f"SYSLOG_IDENTIFIER={repeater.name}@0")
    assert "err to the journal" in hidden.stdout, "nothing is deleted"
    assert pm2sd("flush", other["name"], "--json", env=state).json == [
        {"name": other["name"], "files": [], "journal_hidden": True}
    ]


def test_what_one_app_printed_before_a_stop_is_still_there(
    pm2sd: Pm2sd, repeater: Repeater
) -> None:
    repeater.apply()
    repeater.say("last words")
    eventually(lambda: repeater.said() == ["last words"])
    systemctl("stop", f"{repeater.name}.target")
    assert repeater.said() == ["last words"]
    eventually(lambda: "Stopped" in pm2sd("logs", repeater.name, "--nostream").stdout)
