"""What PM2's users type: flags anywhere, new options on restart, the small commands, the alias."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, kill, properties, run, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory

TALKER = "console.log(`says ${process.argv.slice(2)}`); setInterval(() => {}, 1e6)"


def unit(project: Project, name: str = "a", number: int = 0) -> str:
    return f"{project.name(name)}@{number}.service"


def start(pm2sd: Pm2sd, project: Project, *flags: str, env: Any = None) -> None:
    script = project.write("app.js", TALKER)
    result = pm2sd("start", script, "--name", project.name("a"), *flags, env=env)
    assert result.exit_status == ExitStatus.OK, result


def pid(project: Project, name: str = "a", number: int = 0) -> str:
    return properties(unit(project, name, number), "MainPID")["MainPID"]


def environment(project: Project, name: str = "a") -> dict[str, str]:
    entries = Path(f"/proc/{pid(project, name)}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def arguments(project: Project, name: str = "a") -> list[str]:
    """Those of the program, once systemd-cat has become it: that may be after a start is done."""
    return Path(f"/proc/{pid(project, name)}/cmdline").read_text().split("\0")[2:-1]


def test_restart_takes_new_options_and_keeps_the_others(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project, "--kill-timeout", "3000", "--", "--port", "1")
    before = pid(project)
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    result = pm2sd(
        "restart", project.name("a"), "--max-memory-restart", "200M", cwd=elsewhere,
        env={"PATH": f"/elsewhere:{os.environ['PATH']}"},
    )  # fmt: skip
    assert result.exit_status == ExitStatus.OK, result
    assert pid(project) not in ("0", before)
    shown = properties(unit(project), "MemoryMax", "TimeoutStopUSec", "WorkingDirectory")
    assert shown == {
        "MemoryMax": str(200 * 1024 * 1024),
        "TimeoutStopUSec": "3s",
        "WorkingDirectory": str(project.path),
    }
    eventually(lambda: arguments(project) == ["--port", "1"])
    assert environment(project)["PATH"] == os.environ["PATH"]


def test_a_script_started_again_keeps_the_options_that_are_not_given(
    pm2sd: Pm2sd, project: Project
) -> None:
    start(pm2sd, project, "--kill-timeout", "3000", "-i", "2", "-x", "--", "--port", "1")
    name, script = project.name("a"), project.path / "app.js"
    before = pid(project), pid(project, number=1)
    again = pm2sd("start", script, "--name", name)
    assert again.exit_status == ExitStatus.FAILED, "as with PM2: || restart comes after it"
    assert f"hint: pm2sd restart {name}, or --force" in again.stderr
    assert (pid(project), pid(project, number=1)) == before
    forced = pm2sd("start", script, "--name", name, "--force")
    assert forced.exit_status == ExitStatus.OK, forced
    assert not {pid(project), pid(project, number=1)} & {"0", *before}
    limited = pm2sd("start", script, "--name", name, "--max-memory-restart", "200M")
    assert limited.exit_status == ExitStatus.OK, limited
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    started = pm2sd("start", script, "--name", name, "--kill-timeout", "4000")
    assert started.exit_status == ExitStatus.OK, started
    shown = properties(unit(project, number=1), "MemoryMax", "TimeoutStopUSec", "ActiveState")
    assert shown == {
        "MemoryMax": str(200 * 1024 * 1024),
        "TimeoutStopUSec": "4s",
        "ActiveState": "active",
    }
    eventually(lambda: arguments(project) == ["--port", "1"])


def test_another_script_does_not_take_an_apps_place_unasked(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project, "--kill-timeout", "3000")
    name, other = project.name("a"), project.write("other.js", TALKER)
    before = pid(project)
    refused = pm2sd("start", other, "--name", name)
    assert refused.exit_status == ExitStatus.FAILED
    assert f"already, which runs {project.path / 'app.js'}" in refused.stderr
    assert pid(project) == before
    replaced = pm2sd("start", other, "--name", name, "--force")
    assert replaced.exit_status == ExitStatus.OK, replaced
    assert "other.js" in Path(f"/proc/{pid(project)}/cmdline").read_text()
    assert properties(unit(project), "TimeoutStopUSec") != {"TimeoutStopUSec": "3s"}


def test_restart_with_update_env_takes_the_shells_variables_anew(
    pm2sd: Pm2sd, project: Project
) -> None:
    start(pm2sd, project)
    other = f"{os.environ['PATH']}:/elsewhere"
    changed = pm2sd("restart", project.name("a"), "--update-env", env={"PATH": other})
    assert changed.exit_status == ExitStatus.OK, changed
    assert environment(project)["PATH"] == other


def test_restart_with_other_options_leaves_as_many_instances_as_there_are(
    pm2sd: Pm2sd, project: Project
) -> None:
    start(pm2sd, project)
    name = project.name("a")
    assert pm2sd("scale", name, "2").exit_status == ExitStatus.OK
    for command in (["--update-env"], ["--kill-timeout", "3s"]):
        assert pm2sd("restart", name, *command).exit_status == ExitStatus.OK
        rows = pm2sd("status", "--json", name).json
        assert [(row["state"], row["mode"]) for row in rows] == [("online", "fork")] * 2
    assert pm2sd("restart", name, "-i", "1").exit_status == ExitStatus.OK
    assert len(pm2sd("status", "--json", name).json) == 1


def test_restart_takes_new_arguments_and_null_takes_an_option_back(
    pm2sd: Pm2sd, project: Project
) -> None:
    start(pm2sd, project, "--max-memory-restart", "200M", "--", "old")
    name = project.name("a")
    result = pm2sd("restart", name, "--max-memory-restart", "null", "--", "new", "-s")
    assert result.exit_status == ExitStatus.OK, result
    eventually(lambda: arguments(project) == ["new", "-s"])
    assert properties(unit(project), "MemoryMax") == {"MemoryMax": "infinity"}


def test_restart_renames(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project)
    renamed = pm2sd("restart", project.name("a"), "--name", project.name("b"))
    assert renamed.exit_status == ExitStatus.OK, renamed
    assert pid(project, "b") != "0"
    assert pm2sd("describe", project.name("a")).exit_status == ExitStatus.NO_SUCH_APP
    assert not [path for path in project.unit_files() if project.name("a") in path.name]
    assert pid(project, "a") == "0"


def test_restart_gives_no_app_the_name_of_another(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project)
    other = pm2sd("start", project.path / "app.js", "--name", project.name("b"))
    assert other.exit_status == ExitStatus.OK
    before = pid(project, "b")
    refused = pm2sd("restart", project.name("a"), "--name", project.name("b"))
    assert refused.exit_status == ExitStatus.USAGE
    assert "the name of two apps" in refused.stderr
    assert pid(project, "b") == before


def test_options_of_an_app_from_a_file_are_changed_in_the_file(
    pm2sd: Pm2sd, project: Project
) -> None:
    project.write("app.js", TALKER)
    file = project.ecosystem([{"name": project.name("a"), "script": "app.js"}])
    assert pm2sd("apply").exit_status == ExitStatus.OK
    before = pid(project)
    for command in ("restart", "reload"):
        refused = pm2sd(command, project.name("a"), "--max-memory-restart", "200M")
        assert refused.exit_status == ExitStatus.USAGE
        assert str(file) in refused.stderr
        assert "hint: change the file" in refused.stderr
    assert pid(project) == before
    assert properties(unit(project), "MemoryMax") == {"MemoryMax": "infinity"}


def test_a_bad_option_on_restart_changes_nothing(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project)
    before = pid(project)
    refused = pm2sd("restart", project.name("a"), "--max-memory-restart", "much")
    assert refused.exit_status == ExitStatus.INVALID_CONFIG
    assert "--max-memory-restart" in refused.stderr
    assert pid(project) == before


def test_reload_with_new_options_goes_one_by_one(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project, "-i", "2", "-x")
    before = [pid(project, number=n) for n in range(2)]
    result = pm2sd("reload", project.name("a"), "--kill-timeout", "4000")
    assert result.exit_status == ExitStatus.OK, result
    assert not set(before) & {pid(project, number=n) for n in range(2)}
    started = [
        int(properties(unit(project, number=n), "ExecMainStartTimestampMonotonic")
            ["ExecMainStartTimestampMonotonic"]) for n in range(2)
    ]  # fmt: skip
    assert started[1] - started[0] > 1_000_000, "the first settled before the second was stopped"
    assert properties(unit(project), "TimeoutStopUSec") == {"TimeoutStopUSec": "4s"}


def test_flags_are_obeyed_wherever_they_stand(pm2sd: Pm2sd, project: Project) -> None:
    project.write("app.js", TALKER)
    name = project.name("a")
    silent = pm2sd("-s", "--name", name, "start", "app.js")
    assert (silent.exit_status, silent.stdout, silent.stderr) == (ExitStatus.OK, "", "")
    assert pid(project) != "0"
    assert [one["name"] for one in pm2sd("--silent", "jlist").json].count(name) == 1
    assert (pm2sd("stop", "--silent", name).stdout, pid(project)) == ("", "0")
    wrong = pm2sd("restart", "--silent", project.name("nobody"))
    assert wrong.exit_status == ExitStatus.NO_SUCH_APP
    assert "error: no app matches" in wrong.stderr
    coloured = pm2sd("ls", name, env={"FORCE_COLOR": "1"})
    assert "\x1b[" in coloured.stdout
    plain = pm2sd("ls", "--no-color", name, env={"FORCE_COLOR": "1"})
    assert "\x1b[" not in plain.stdout
    assert "+ systemctl --user start" in pm2sd("--verbose", "apply", "-", input=app(name)).stderr
    assert pm2sd("restart", name, "--parallel", "4", "-m").exit_status == ExitStatus.OK


def app(name: str) -> str:
    return f"apps: [{{name: {name}, script: app.js}}]"


@pytest.mark.parametrize("flag", ["--no-daemon", "--ext=js", "--container"])
def test_a_refused_flag_starts_nothing(pm2sd: Pm2sd, project: Project, flag: str) -> None:
    project.write("app.js", TALKER)
    refused = pm2sd("start", "app.js", "--name", project.name("a"), flag)
    assert refused.exit_status == ExitStatus.USAGE
    assert refused.stderr.count("\n") == 1
    assert project.unit_files() == []


def test_attach_shows_what_the_app_prints_until_ctrl_c(pm2sd: Pm2sd, project: Project) -> None:
    project.write("app.js", TALKER)
    words = pm2sd.command("start", "app.js", "--name", project.name("a"), "--attach", "--", "it")
    with subprocess.Popen(
        words, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        assert process.stdout
        seen = b""
        deadline = time.monotonic() + 60
        while b"says it" not in seen:
            assert select.select([process.stdout], [], [], deadline - time.monotonic())[0], seen
            more = os.read(process.stdout.fileno(), 65536)
            assert more, seen
            seen += more
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == ExitStatus.OK
    assert pid(project) != "0"


def test_only_restricts_restart_and_stop_of_a_file(pm2sd: Pm2sd, project: Project) -> None:
    project.write("app.js", TALKER)
    project.ecosystem([{"name": project.name(name), "script": "app.js"} for name in "ab"])
    assert pm2sd("start", "ecosystem.yaml").exit_status == ExitStatus.OK
    before = pid(project, "a"), pid(project, "b")
    only = ("--only", project.name("a"))
    assert pm2sd("restart", "ecosystem.yaml", *only).exit_status == ExitStatus.OK
    assert pid(project, "a") != before[0]
    assert pid(project, "b") == before[1]
    assert pm2sd("stop", "ecosystem.yaml", *only).exit_status == ExitStatus.OK
    assert (pid(project, "a"), pid(project, "b")) == ("0", before[1])
    for verb in ("stop", "delete", "start"):  # without a file it would be for all that is named
        assert pm2sd(verb, project.name("b"), *only).exit_status == ExitStatus.USAGE
    assert pid(project, "b") == before[1]
    assert pm2sd("delete", "ecosystem.yaml", *only).exit_status == ExitStatus.OK
    assert pm2sd("describe", project.name("b")).exit_status == ExitStatus.OK


def test_reset_sets_restart_counters_to_0(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project)
    kill(int(pid(project)))
    eventually(lambda: properties(unit(project), "NRestarts")["NRestarts"] == "1")
    after = eventually(lambda: pid(project) if pid(project) != "0" else "")
    reset = pm2sd("reset", project.name("a"))
    assert (reset.exit_status, reset.stdout) == (ExitStatus.OK, f"reset {project.name('a')}@0\n")
    assert pm2sd("status", "--json", project.name("a")).json[0]["restarts"] == 0
    assert pid(project) == after
    assert pm2sd("reset", project.name("nobody")).exit_status == ExitStatus.NO_SUCH_APP


@pytest.mark.parametrize("spelling", ["SIGUSR2", "usr2", str(int(signal.SIGUSR2))])
def test_send_signal_reaches_the_app(pm2sd: Pm2sd, project: Project, spelling: str) -> None:
    project.write("app.js", "process.on('SIGUSR2', () => console.log('got it')); " + TALKER)
    name = project.name("a")
    assert pm2sd("start", "app.js", "--name", name).exit_status == ExitStatus.OK
    eventually(lambda: "says" in pm2sd("logs", name, "--nostream").stdout)
    sent = pm2sd("sendSignal", spelling, name)
    assert (sent.exit_status, sent.stdout) == (ExitStatus.OK, f"sent SIGUSR2 to {name}@0\n")
    eventually(lambda: "got it" in pm2sd("logs", name, "--nostream").stdout)
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert pm2sd("sendSignal", spelling, name).exit_status == ExitStatus.NOT_RUNNING


def test_send_signal_knows_which_signals_there_are(pm2sd: Pm2sd) -> None:
    for wrong in ("SIGNONSENSE", "0", "99"):
        refused = pm2sd("sendSignal", wrong, "all")
        assert refused.exit_status == ExitStatus.USAGE
        assert f"there is no signal {wrong!r}" in refused.stderr


def test_ping_and_report_say_what_answers(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    start(pm2sd, project)
    ping = pm2sd("ping")
    assert ping.exit_status == ExitStatus.OK
    version = systemctl("show", "--property=Version", "--value").stdout.strip()
    assert version in ping.stdout
    report = pm2sd("report", "--json", env={"A_SECRET": "hidden_word"})
    assert report.json["systemd"] == version
    assert project.name("a") in [one["name"] for one in report.json["apps"]]
    assert "hidden_word" not in report.stdout
    assert project.name("a") in pm2sd("report").stdout
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": None}
    assert pm2sd("ping", env=nowhere).exit_status == ExitStatus.NO_USER_MANAGER
    assert pm2sd("report", env=nowhere).exit_status == ExitStatus.OK


@pytest.mark.parametrize(
    "command", [("save",), ("dump", "--force"), ("startup", "systemd", "-u", "x", "--hp", "/x")]
)
def test_save_and_startup_make_what_runs_come_back(
    pm2sd: Pm2sd, project: Project, command: tuple[str, ...]
) -> None:
    start(pm2sd, project)
    target = f"{project.name('a')}.target"
    assert systemctl("disable", target).exit_status == 0
    user = run("id", "-un").stdout.strip()
    result = pm2sd(*command)
    if Path("/var/lib/systemd/linger", user).exists():
        assert result.exit_status == ExitStatus.OK, result
    assert systemctl("is-enabled", target).stdout == "enabled\n"


def test_what_is_stopped_does_not_come_back_at_boot(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project)
    name = project.name("a")
    assert pm2sd("scale", name, "3").exit_status == ExitStatus.OK
    links = unit_directory() / "default.target.wants"

    def at_boot() -> list[str]:
        return sorted(link.name for link in links.iterdir() if project.prefix in link.name)

    assert at_boot() == [f"{name}.target"]
    assert pm2sd("stop", f"{name}@1").exit_status == ExitStatus.OK
    assert at_boot() == [f"{name}@0.service", f"{name}@2.service"]
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert at_boot() == []
    assert pm2sd("scale", name, "2").exit_status == ExitStatus.OK
    assert at_boot() == []
    assert pm2sd("start", f"{name}@1").exit_status == ExitStatus.OK
    assert at_boot() == [f"{name}@1.service"]
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    assert at_boot() == []


def test_reload_logs_does_not_pretend(pm2sd: Pm2sd, project: Project) -> None:
    start(pm2sd, project)
    assert pm2sd("reloadLogs", project.name("a")).exit_status == ExitStatus.OK
    changed = pm2sd("restart", project.name("a"), "--output", "out.log")
    assert changed.exit_status == ExitStatus.OK, changed
    result = pm2sd("reloadLogs", project.name("a"))
    assert result.exit_status == ExitStatus.FAILED
    assert str(project.path / "out.log") in result.stderr
    assert "pm2sd logrotate" in result.stderr


def test_alias_installs_and_removes_a_pm2_that_is_pm2sd(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    directory = home / ".local/bin"
    shim = directory / "pm2"
    here = {"HOME": str(home), "PATH": f"{directory}:{os.environ['PATH']}"}
    made = pm2sd("alias", env=here)
    assert (made.exit_status, made.stdout, made.stderr) == (ExitStatus.OK, f"wrote {shim}\n", "")
    answer = run("pm2", "jlist", env=here, cwd=project.path)
    names = [[row["name"] for row in found] for found in (answer.json, pm2sd("jlist").json)]
    assert (answer.exit_status, names[0]) == (ExitStatus.OK, names[1])
    assert run("pm2", "kill", env=here).exit_status == ExitStatus.USAGE
    assert run("pm2", "logs", "a b", env=here).exit_status == ExitStatus.NO_SUCH_APP
    # A directory that happens to be called pm2sd must not be taken for the program.
    project.write("pm2sd/__main__.py", "raise SystemExit('the wrong one')")
    assert run("pm2", "--version", env=here, cwd=project.path).exit_status == ExitStatus.OK
    assert pm2sd("alias", env=here).exit_status == ExitStatus.OK, "ours may be written anew"
    assert pm2sd("alias", "--remove", env=here).stdout == f"removed {shim}\n"
    assert not shim.exists()
    assert pm2sd("alias", "--remove", env=here).exit_status == ExitStatus.FAILED


def test_alias_leaves_a_real_pm2_alone(pm2sd: Pm2sd, tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    shim, real = home / ".local/bin/pm2", other / "pm2"
    for path in (shim, real):
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\necho the real one\n")
        path.chmod(0o755)
    here = {"HOME": str(home), "PATH": f"{other}:{os.environ['PATH']}"}
    for words in (("alias",), ("alias", "--remove")):
        refused = pm2sd(*words, env=here)
        assert refused.exit_status == ExitStatus.FAILED
        assert "is not pm2sd's" in refused.stderr
    assert "the real one" in shim.read_text()
    forced = pm2sd("alias", "--force", env=here)
    assert forced.exit_status == ExitStatus.OK
    assert f"{shim.parent} is not in PATH" in forced.stderr
    assert f"your shell finds {real} first" in forced.stderr
    assert re.match(r"#!/bin/sh\n.*pm2sd alias", shim.read_text())
    assert "the real one" in real.read_text()


def test_a_script_names_its_app_and_several_are_started_at_once(
    pm2sd: Pm2sd, project: Project
) -> None:
    one, two = (f"{project.name(name)}.js" for name in "ab")
    for script in (one, two):
        project.write(script, "setInterval(() => {}, 1e6)")
    done = pm2sd("start", one, f"./{two}", "--env", "production")
    assert done.exit_status == ExitStatus.OK, done
    assert "--env had no effect" in done.stderr, "a script has no block of variables"
    assert pm2sd("restart", one).stdout == f"restarted {project.name('a')}@0\n"
    assert pm2sd("stop", f"{project.path}/{two}").stdout == f"stopped {project.name('b')}@0\n"
    again = pm2sd("start", project.name("a"), project.name("b"))
    assert again.stdout == f"{project.name('a')}@0 runs already\nstarted {project.name('b')}@0\n"
    assert pm2sd("stop", "nobody.js").exit_status == ExitStatus.NO_SUCH_APP
    assert pm2sd("delete", one, two).exit_status == ExitStatus.OK
    assert pm2sd("update").exit_status == ExitStatus.OK
