"""apply and diff against a real user manager: what runs is what the file says."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, properties, systemctl
from pm2sd.control.settle import SETTLE_SECONDS
from pm2sd.errors import ExitStatus
from pm2sd.observe.status import FLAPPING
from pm2sd.systemd.bus import Bus
from pm2sd.systemd.cgroup import controllers
from pm2sd.systemd.paths import unit_directory


def sleeper(project: Project, app: str, **options: Any) -> dict[str, Any]:
    """An app that does nothing, quickly started."""
    return {"name": project.name(app), "script": "sleep", "args": "infinity", **options}


def pid(project: Project, name: str, instance: int = 0) -> str:
    return properties(f"{project.name(name)}@{instance}.service", "MainPID")["MainPID"]


def applied(pm2sd: Pm2sd, project: Project, apps: list[dict[str, Any]], *flags: str) -> str:
    result = pm2sd("apply", project.ecosystem(apps), *flags)
    assert result.exit_status == ExitStatus.OK, result
    return result.stdout


def test_apply_runs_what_the_file_says(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    dump = tmp_path / "dump.json"
    app = {
        "name": project.name(),
        "script": project.script("dump.py"),
        "args": [str(dump), "two words", ""],
        "cwd": str(tmp_path),
        "env": {"COLOUR": "blau 100%"},
    }
    applied(pm2sd, project, [app])
    record = eventually(lambda: json.loads(dump.read_text()))
    unit = f"{project.name()}@0.service"
    shown = properties(unit, "ActiveState", "SubState", "MainPID", "KillSignal", "Restart")
    assert shown == {
        "ActiveState": "active",
        "SubState": "running",
        "MainPID": str(record["pid"]),
        "KillSignal": "2",
        "Restart": "always",
    }
    assert systemctl("is-enabled", f"{project.name()}.target").stdout == "enabled\n"


def test_applying_the_same_file_twice_changes_nothing(pm2sd: Pm2sd, project: Project) -> None:
    apps = [sleeper(project, "a", exec_mode="fork", instances=2), sleeper(project, "b")]
    applied(pm2sd, project, apps)
    before = [pid(project, "a"), pid(project, "a", 1), pid(project, "b")]
    files = {path: path.stat().st_mtime_ns for path in project.unit_files()}
    second = applied(pm2sd, project, apps)
    assert second.count("unchanged") == 2
    assert [pid(project, "a"), pid(project, "a", 1), pid(project, "b")] == before
    assert {path: path.stat().st_mtime_ns for path in project.unit_files()} == files


def test_a_changed_variable_restarts_that_app_only(pm2sd: Pm2sd, project: Project) -> None:
    applied(pm2sd, project, [sleeper(project, "a", env={"X": "1"}), sleeper(project, "b")])
    a, b = pid(project, "a"), pid(project, "b")
    second = applied(pm2sd, project, [sleeper(project, "a", env={"X": "2"}), sleeper(project, "b")])
    assert "Environment" in second
    assert pid(project, "a") != a
    assert pid(project, "b") == b


def test_a_changed_memory_limit_is_set_without_a_restart(pm2sd: Pm2sd, project: Project) -> None:
    applied(pm2sd, project, [sleeper(project, "a", max_memory_restart="100M")])
    before = pid(project, "a")
    applied(pm2sd, project, [sleeper(project, "a", max_memory_restart="200M")])
    unit = f"{project.name('a')}@0.service"
    assert properties(unit, "MemoryMax")["MemoryMax"] == str(200 * 1024 * 1024)
    assert pid(project, "a") == before


def test_limits_that_nothing_enforces_are_told_once(pm2sd: Pm2sd, project: Project) -> None:
    with Bus.open() as bus:
        there = controllers(bus.manager("ControlGroup"))
    missing = {"memory", "cpu"} - there
    limits = {"max_memory_restart": "100M", "cpu_quota": "50%"}
    project.ecosystem([sleeper(project, "a", **limits)])
    for command in (("apply", "--dry-run"), ("apply",)):
        said = pm2sd(*command).stderr
        assert ("warning: nothing enforces" in said) == bool(missing), said
        told = f"max_memory_restart of {project.name('a')}"
        assert (told in said) == ("memory" in missing), said
        assert ("hint:" in said) == bool(missing), said
    assert "nothing enforces" not in pm2sd("apply").stderr


def test_an_option_removed_from_the_file_is_removed_from_the_unit(
    pm2sd: Pm2sd, project: Project
) -> None:
    options = {"max_memory_restart": "100M", "env": {"GONE": "1"}, "increment_var": "N"}
    applied(pm2sd, project, [sleeper(project, "a", **options)])
    applied(pm2sd, project, [sleeper(project, "a")])
    shown = properties(f"{project.name('a')}@0.service", "MemoryMax", "Environment", "DropInPaths")
    assert shown["MemoryMax"] == "infinity"
    assert "GONE" not in shown["Environment"]
    assert shown["DropInPaths"] == ""


def test_an_app_no_longer_in_the_file_is_named_and_pruned_when_asked(
    pm2sd: Pm2sd, project: Project
) -> None:
    applied(pm2sd, project, [sleeper(project, "a"), sleeper(project, "b")])
    named = applied(pm2sd, project, [sleeper(project, "a")])
    assert f"{project.name('b')}" in named
    assert "no longer in the file" in named
    assert pid(project, "b") != "0"
    applied(pm2sd, project, [sleeper(project, "a")], "--prune")
    assert pid(project, "b") == "0"
    assert not [path for path in project.unit_files() if project.name("b") in path.name]
    assert systemctl("is-enabled", f"{project.name('b')}.target").exit_status != 0


def test_a_file_edited_by_hand_is_not_overwritten_without_force(
    pm2sd: Pm2sd, project: Project
) -> None:
    applied(pm2sd, project, [sleeper(project, "a")])
    unit = unit_directory() / f"{project.name('a')}@.service"
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nNice=7"))
    edited = unit.read_text()
    file = project.ecosystem([sleeper(project, "a", env={"X": "1"})])
    refused = pm2sd("apply", file)
    assert refused.exit_status == ExitStatus.INVALID_CONFIG
    assert "edited by hand" in refused.stderr
    assert "--force" in refused.stderr
    assert unit.read_text() == edited
    assert pm2sd("apply", "--force", file).exit_status == ExitStatus.OK
    assert "Nice=7" not in unit.read_text()


def test_drop_ins_of_the_user_are_left_alone(pm2sd: Pm2sd, project: Project) -> None:
    applied(pm2sd, project, [sleeper(project, "a")])
    drop_in = unit_directory() / f"{project.name('a')}@.service.d" / "override.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nTimeoutStopSec=7\n")
    applied(pm2sd, project, [sleeper(project, "a", env={"X": "1"})])
    assert drop_in.exists()
    unit = f"{project.name('a')}@0.service"
    assert properties(unit, "TimeoutStopUSec")["TimeoutStopUSec"] == "7s"
    assert pm2sd("delete", project.name("a")).exit_status == ExitStatus.OK
    assert drop_in.exists()


def test_an_app_that_dies_at_once_fails_the_apply_with_its_last_lines(
    pm2sd: Pm2sd, project: Project
) -> None:
    apps = [
        {"name": project.name("bad"), "script": project.script("throws.js")},
        sleeper(project, "good"),
    ]
    result = pm2sd("apply", project.ecosystem(apps))
    assert result.exit_status == ExitStatus.FAILED
    assert f"{project.name('bad')}@0 exited with code 1" in result.stderr
    assert "Error: the database is not there" in result.stderr
    assert f"{project.name('good')}@0 exited" not in result.stderr
    assert pid(project, "good") != "0"


def test_what_dies_after_a_moment_in_which_the_machine_stood_still_fails_the_apply(
    pm2sd: Pm2sd, project: Project
) -> None:
    script = project.write("app.sh", "until [ -e go ]; do sleep 0.02; done; exit 3\n")
    app = {"name": project.name("a"), "script": str(script)}
    command = pm2sd.command("apply", project.ecosystem([app]))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: pid(project, "a") != "0")
        time.sleep(SETTLE_SECONDS / 5)  # it knows of the start by then, or the test shows less
        process.send_signal(signal.SIGSTOP)
        time.sleep(2 * SETTLE_SECONDS)
        process.send_signal(signal.SIGCONT)
        project.write("go", "")
        said = process.communicate(timeout=60)[1]
    assert process.returncode == ExitStatus.FAILED
    assert f"error: {project.name('a')}@0 exited with code 3" in said


@pytest.mark.parametrize("restart_delay", [0, 600_000], ids=["at-once", "waits"])
def test_applying_again_does_not_make_a_success_of_a_crash_loop(
    pm2sd: Pm2sd, project: Project, restart_delay: int
) -> None:
    name = project.name("bad")
    bad = {
        "name": name,
        "script": project.script("throws.js"),
        "max_restarts": "Infinity",
        "restart_delay": restart_delay,
    }
    file = project.ecosystem([bad, sleeper(project, "good")])
    assert pm2sd("apply", file).exit_status == ExitStatus.FAILED
    again = pm2sd("apply", file)
    assert again.exit_status == ExitStatus.FAILED, again
    assert f"= {name}" in again.stdout
    assert f"error: {name}@0 is down: exited with code 1" in again.stderr
    assert "| Error: the database is not there" in again.stderr
    assert f"hint: pm2sd describe {name}; pm2sd logs {name}\n" in again.stderr
    assert project.name("good") not in again.stderr
    # Nobody minds what is down because it was to be.
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    applied(pm2sd, project, [sleeper(project, "good")])


def test_what_runs_after_restarts_is_warned_of_and_no_failure(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name("a")
    apps = [sleeper(project, "a")]
    applied(pm2sd, project, apps)
    unit = f"{name}@0.service"
    for count in range(1, FLAPPING + 1):
        restarted = {"NRestarts": str(count), "SubState": "running"}
        assert systemctl("kill", "--signal=KILL", unit).exit_status == ExitStatus.OK
        assert eventually(lambda: properties(unit, *restarted) == restarted)  # noqa: B023
    again = pm2sd("apply", project.ecosystem(apps))
    assert again.exit_status == ExitStatus.OK, again
    assert f"warning: {name}@0 is restarted again and again" in again.stderr
    assert f"hint: pm2sd describe {name}; pm2sd logs {name}\n" in again.stderr


def test_what_apply_does_not_start_is_warned_of_where_it_failed(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name()
    app = {"name": name, "script": "false", "autorestart": False, "autostart": False}
    applied(pm2sd, project, [app])
    assert pm2sd("start", name).exit_status == ExitStatus.FAILED
    again = pm2sd("apply", project.ecosystem([app]))
    assert again.exit_status == ExitStatus.OK, again
    assert f"warning: {name}@0 is down: exited with code 1" in again.stderr


def test_the_last_lines_of_an_app_do_not_command_the_terminal(
    pm2sd: Pm2sd, project: Project
) -> None:
    script = project.write("red.js", r"console.error('\x1b]0;t\x07\x1b[31mred\x1b[0m'); throw 1")
    result = pm2sd("apply", project.ecosystem([{"name": project.name(), "script": str(script)}]))
    assert result.exit_status == ExitStatus.FAILED
    assert "| red\n" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_app_whose_program_cannot_be_executed_is_reported(
    pm2sd: Pm2sd, project: Project
) -> None:
    project.write("tool", b"\x7fELF, but no program\0").chmod(0o755)
    app = {"name": project.name(), "script": "./tool", "interpreter": "none"}
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.FAILED
    assert project.name() in result.stderr


def test_an_app_that_ends_well_and_is_not_restarted_is_no_failure(
    pm2sd: Pm2sd, project: Project
) -> None:
    app = {"name": project.name(), "script": "true", "autorestart": False}
    applied(pm2sd, project, [app])


def test_a_bad_file_changes_nothing(pm2sd: Pm2sd, project: Project) -> None:
    applied(pm2sd, project, [sleeper(project, "a")])
    before, files = pid(project, "a"), project.unit_files()
    project.write(
        "ecosystem.yaml",
        f"apps:\n  - name: {project.name('a')}\n    script: sleep\n    instaces: 2\n"
        f"  - name: {project.name('b')}\n    script: nowhere.js\n    max_memory_restart: lots\n",
    )
    result = pm2sd("apply", "ecosystem.yaml")
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    for place in ("ecosystem.yaml:4:5: error:", "ecosystem.yaml:6:13: error:", "ecosystem.yaml:7:"):
        assert place in result.stderr
    assert "instances" in result.stderr
    assert pid(project, "a") == before
    assert project.unit_files() == files


def test_dry_run_and_diff_show_the_plan_and_change_nothing(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([sleeper(project, "a")])
    dry = pm2sd("apply", "--dry-run", file)
    assert dry.exit_status == ExitStatus.OK
    assert "create" in dry.stdout
    shown = pm2sd("diff", file)
    assert shown.exit_status == ExitStatus.FAILED
    assert f"+++ {project.name('a')}@.service" in shown.stdout
    assert project.unit_files() == []
    as_json = pm2sd("diff", "--json", file).json
    assert as_json["changes"][0]["action"] == "create"
    assert as_json["changes"][0]["start"] == [f"{project.name('a')}@0"]
    applied(pm2sd, project, [sleeper(project, "a")])
    assert pm2sd("diff", file).exit_status == ExitStatus.OK


def test_only_restricts_the_apply_to_some_apps(pm2sd: Pm2sd, project: Project) -> None:
    apps = [sleeper(project, "a"), sleeper(project, "b")]
    applied(pm2sd, project, apps, "--only", project.name("a"))
    assert (pid(project, "a") != "0", pid(project, "b")) == (True, "0")
    unknown = pm2sd("apply", "--only", project.name("c"), project.ecosystem(apps))
    assert unknown.exit_status == ExitStatus.NO_SUCH_APP


def test_env_chooses_the_block_of_that_name(pm2sd: Pm2sd, project: Project) -> None:
    app = sleeper(project, "a", env={"MODE": "dev", "KEPT": "1"}, env_production={"MODE": "prod"})
    applied(pm2sd, project, [app], "--env", "production")
    shown = properties(f"{project.name('a')}@0.service", "Environment")["Environment"].split()
    assert {"MODE=prod", "KEPT=1"} <= set(shown)


def test_a_unit_that_is_not_ours_is_never_taken_over(pm2sd: Pm2sd, project: Project) -> None:
    theirs = unit_directory() / f"{project.name('a')}.target"
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("[Unit]\nDescription=Somebody else's\n")
    result = pm2sd("apply", project.ecosystem([sleeper(project, "a")]))
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert str(theirs) in result.stderr
    assert project.unit_files() == [theirs]


def test_a_name_of_systemds_own_is_refused(pm2sd: Pm2sd, project: Project) -> None:
    result = pm2sd("apply", project.ecosystem([{"name": "basic", "script": "sleep"}]))
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    assert "basic.target" in result.stderr


@pytest.mark.parametrize("name", ["@apps/api", "api.example/hawk", "Style Guide", "a:b"])
def test_any_name_is_carried_and_shown_as_written(
    pm2sd: Pm2sd, project: Project, name: str
) -> None:
    name = f"{name} {project.prefix}"
    applied(pm2sd, project, [sleeper(project, "a", name=name)])
    assert [row["name"] for row in pm2sd("jlist").json if project.prefix in row["name"]] == [name]
    assert pm2sd("delete", name).exit_status == ExitStatus.OK


def test_secrets_are_in_a_private_file_and_reach_the_process(
    pm2sd: Pm2sd, project: Project, tmp_path: Path
) -> None:
    dump = tmp_path / "dump.json"
    app = {"name": project.name(), "script": project.script("dump.py"), "args": [str(dump)]}
    applied(pm2sd, project, [{**app, "secrets": {"KEY": 's"e$c\\ret`'}}])
    from base64 import b64encode

    eventually(
        lambda: (
            json.loads(dump.read_text())["environ"][b64encode(b"KEY").decode()]
            == b64encode(b's"e$c\\ret`').decode()
        )
    )
    assert "s\\" not in systemctl("cat", f"{project.name()}@0.service").stdout
    assert {path.stat().st_mode & 0o077 for path in project.unit_files()} == {0}
    before = pid(project, "app")
    applied(pm2sd, project, [{**app, "secrets": {"KEY": "other"}}])
    assert pid(project, "app") != before
    assert pm2sd("scale", project.name(), "2").exit_status == ExitStatus.OK
    assert "other" in (unit_directory() / f"{project.name()}@.service.d/secrets.env").read_text()


def test_a_namespace_is_a_target(pm2sd: Pm2sd, project: Project) -> None:
    namespace = project.name("ns")
    apps = [sleeper(project, name, namespace=namespace) for name in ("a", "b")]
    applied(pm2sd, project, apps)
    systemctl("stop", f"pm2sd-{namespace}.target")
    eventually(lambda: pid(project, "a") == pid(project, "b") == "0")
    systemctl("start", f"pm2sd-{namespace}.target")
    eventually(lambda: "0" not in (pid(project, "a"), pid(project, "b")))
    assert pm2sd("delete", namespace).exit_status == ExitStatus.OK
    assert project.unit_files() == []


def test_apps_with_autostart_off_are_known_but_not_started(pm2sd: Pm2sd, project: Project) -> None:
    applied(pm2sd, project, [sleeper(project, "a", autostart=False)])
    assert pid(project, "a") == "0"
    assert systemctl("is-enabled", f"{project.name('a')}.target").stdout == "disabled\n"
    assert pm2sd("start", project.name("a")).exit_status == ExitStatus.OK
    assert pid(project, "a") != "0"


def test_standard_input_is_read_with_a_dash(pm2sd: Pm2sd, project: Project) -> None:
    text = json.dumps({"apps": [sleeper(project, "a")]})
    assert pm2sd("apply", "-", input=text).exit_status == ExitStatus.OK
    assert pid(project, "a") != "0"


def test_another_shells_path_restarts_nothing(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([sleeper(project, "a")])
    assert pm2sd("apply", file, env={"PATH": "/usr/bin:/bin"}).exit_status == ExitStatus.OK
    before = pid(project, "a")
    again = pm2sd("apply", file, env={"PATH": "/usr/bin:/bin:/usr/local/bin"})
    assert "unchanged" in again.stdout
    assert pid(project, "a") == before


def test_two_at_once_serialise(pm2sd: Pm2sd, project: Project) -> None:
    file = project.ecosystem([sleeper(project, "a", exec_mode="fork", instances=3)])
    both = [
        subprocess.Popen(
            pm2sd.command("apply", file), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    plans = sorted(output[0] for output in outputs)
    assert "unchanged" in plans[1]
    assert "create" in plans[0]


def test_no_user_manager_is_one_clear_error(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    nowhere = tmp_path / "empty"
    nowhere.mkdir(mode=0o700)
    env = {"XDG_RUNTIME_DIR": str(nowhere), "DBUS_SESSION_BUS_ADDRESS": None}
    result = pm2sd("apply", project.ecosystem([sleeper(project, "a")]), env=env)
    assert result.exit_status == ExitStatus.NO_USER_MANAGER
    assert "hint:" in result.stderr
    assert "Traceback" not in result.stderr
    assert project.unit_files() == []


def test_an_app_of_another_file_is_taken_over_with_a_warning(
    pm2sd: Pm2sd, project: Project
) -> None:
    first = project.ecosystem([sleeper(project, "a")], "first.yaml")
    second = project.ecosystem([sleeper(project, "a")], "second.yaml")
    assert "warning" not in pm2sd("apply", first).stderr
    for command in ("diff", "apply"):
        said = pm2sd(command, second).stderr
        assert f"warning: {project.name('a')} has been the app of that name in {first}" in said
    assert "warning" not in pm2sd("apply", second).stderr
    second.rename(project.path / "third.yaml")
    assert "warning" not in pm2sd("apply", project.path / "third.yaml").stderr
