"""``doctor`` on a real user manager, broken in one way after the other."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, Result, eventually, properties, run, systemctl
from integration.pm2 import Pm2
from pm2sd.errors import ExitStatus
from pm2sd.observe.doctor.table import CHECKS
from pm2sd.systemd.paths import unit_directory

UNITS = unit_directory()
SLEEPS = {"script": "sleep", "args": "1000", "interpreter": "none"}
# A run of less counts; a machine that is held up may take more than the usual second to one.
BRIEF: dict[str, Any] = {"min_uptime": "10s"}


def applied(pm2sd: Pm2sd, project: Project, status: int = 0, **options: Any) -> str:
    """The name of an app that was applied with these options."""
    name = project.name()
    done = pm2sd("apply", project.ecosystem([{"name": name, **SLEEPS, **options}]))
    assert done.exit_status == status, done
    return name


def of(result: Result, check: str) -> list[dict[str, Any]]:
    """What one check found."""
    return [one for one in result.json["checks"] if one["check"] == check]


def the(result: Result, check: str, status: str) -> dict[str, Any]:
    """The one finding of a check, which has this status."""
    (found,) = of(result, check)
    assert found["status"] == status, found
    return found


def is_failed(unit: str) -> bool:
    """Whether systemd has given a unit up."""
    return properties(unit, "ActiveState") == {"ActiveState": "failed"}


def examined(pm2sd: Pm2sd, *arguments: str, status: int = 0, **options: Any) -> Result:
    """``doctor --json``, which ends with this status."""
    result = pm2sd("doctor", *arguments, "--json", **options)
    assert result.exit_status == status, result
    return result


def test_of_an_app_that_is_well_every_check_says_so(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    result = examined(pm2sd, name)
    assert {one["check"] for one in result.json["checks"]} == {check.id for check in CHECKS}
    machine = {"systemd", "controllers", "journal-dropped", "clock", "pm2"}
    others = [one for one in result.json["checks"] if one["check"] not in machine]
    assert {one["status"] for one in others} <= {"ok", "info"}, others
    for one in result.json["checks"]:
        assert set(one) == {"check", "status", "message", "app", "hint", "details", "fixable"}
    assert result.json["fixed"] == []


def test_text_has_a_line_for_each_finding_and_its_command_below(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = applied(pm2sd, project)
    (UNITS / f"{name}@.service").chmod(0o640)
    result = pm2sd("doctor", name)
    assert result.exit_status == 0
    assert re.search(rf"\nwarn  {name}: others may read .*\n      chmod 600 /", result.stdout)
    assert re.search(r"^ok    the user manager answers\n", result.stdout)
    assert all(re.match(r"(ok|info|warn|fail) {2}|      ", line[:6].ljust(6))
               for line in result.stdout.splitlines())  # fmt: skip


def test_an_unknown_app_is_no_finding(pm2sd: Pm2sd) -> None:
    assert pm2sd("doctor", "nobody-has-this").exit_status == ExitStatus.NO_SUCH_APP


def test_an_interpreter_that_vanished(pm2sd: Pm2sd, project: Project) -> None:
    python = project.path / "v18/bin/python3"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    script = project.write("app.py", "import signal\nsignal.pause()\n")
    name = applied(pm2sd, project, script=str(script), args=[], interpreter=str(python))
    python.unlink()
    found = the(examined(pm2sd, name, status=1), "missing", "fail")
    assert found["message"] == f"the interpreter {python} is gone"
    assert found["hint"] == f"pm2sd apply {project.path}/ecosystem.yaml --only {name}"


def test_a_script_and_a_directory_that_vanished(pm2sd: Pm2sd, project: Project) -> None:
    script = project.write("there/app.py", "import signal\nsignal.pause()\n")
    name = applied(pm2sd, project, script=str(script), args=[], interpreter="python3",
                   cwd=str(script.parent))  # fmt: skip
    shutil.rmtree(script.parent)
    messages = {one["message"] for one in of(examined(pm2sd, name, status=1), "missing")}
    assert messages == {
        f"the script {script} is gone",
        f"the directory {script.parent} is gone",
    }


def test_pm2sds_own_python_vanished_under_helper_units(pm2sd: Pm2sd, project: Project) -> None:
    checkout = project.path / "checkout"
    checkout.symlink_to(Path(sys.executable).parents[2])
    python = checkout / ".venv/bin/python"
    name = project.name()
    helped = {"watch": ["src"], "memory_policy": "graceful", "max_memory_restart": "100M"}
    file = project.ecosystem([{"name": name, **SLEEPS, **helped}])
    done = run(python, "-m", "pm2sd", "apply", file, cwd=project.path)
    assert done.exit_status == 0, done
    checkout.unlink()
    found = of(examined(pm2sd, name, status=1), "helpers")
    assert {one["status"] for one in found} == {"fail"}
    said = {one["message"].partition(", which is gone")[0] for one in found}
    assert said == {f"{name}:{what}.service runs {python}" for what in ("watch", "memory")}
    # And the command that it names mends it.
    assert pm2sd(*shlex.split(found[0]["hint"])[1:]).exit_status == 0
    the(examined(pm2sd, name), "helpers", "ok")


def test_a_drop_in_that_is_not_read_yet_is_read_by_fix(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    pid = pm2sd("pid", name).stdout
    drop_in = UNITS / f"{name}@.service.d/mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nRestart=no\nCPUWeight=30\n")
    found = examined(pm2sd, name)
    assert the(found, "unread", "warn")["hint"] == "systemctl --user daemon-reload"
    assert "last word on Restart, whatever" in the(found, "overrides", "warn")["message"]
    mended = examined(pm2sd, name, "--fix")
    assert mended.json["fixed"] == ["systemd has read the unit files again"]
    the(mended, "unread", "ok")
    assert properties(f"{name}@0.service", "Restart")["Restart"] == "no"
    assert pm2sd("pid", name).stdout == pid


def test_a_drop_in_that_only_adds_is_no_warning(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    drop_in = UNITS / f"{name}@0.service.d/mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nCPUWeight=30\n")
    assert the(examined(pm2sd, name), "overrides", "info")["message"] == f"{drop_in} adds CPUWeight"


def test_a_file_edited_by_hand(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    unit = UNITS / f"{name}@.service"
    unit.write_text(unit.read_text().replace("Restart=always", "Restart=no"))
    found = examined(pm2sd, name)
    edited = the(found, "edited", "warn")
    assert f"{name}@.service" in edited["message"]
    the(found, "unread", "warn")
    force = edited["hint"].partition("; then: ")[2]
    assert pm2sd(*shlex.split(force)[1:]).exit_status == 0
    the(examined(pm2sd, name), "edited", "ok")
    assert "Restart=always" in unit.read_text()


def test_the_ecosystem_file_changed_or_gone(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    the(examined(pm2sd, name), "source", "ok")
    file = project.path / "ecosystem.yaml"
    os.utime(file, (time.time() + 5, time.time() + 5))
    assert the(examined(pm2sd, name), "source", "info")["hint"].startswith(f"pm2sd diff {file}")
    file.unlink()
    assert f"{file} is gone" in the(examined(pm2sd, name), "source", "warn")["message"]


def test_a_masked_instance(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project, instances=2)
    assert pm2sd("stop", name).exit_status == 0
    assert systemctl("mask", f"{name}@1.service").exit_status == 0
    found = the(examined(pm2sd, name, status=1), "masked", "fail")
    assert found["message"].startswith(f"{name}@1 is masked")
    assert run("sh", "-c", found["hint"]).exit_status == 0
    the(examined(pm2sd, name), "masked", "ok")


def test_a_unit_that_systemd_cannot_load(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    drop_in = UNITS / f"{name}@.service.d/mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nExecStart=\n")
    the(examined(pm2sd, name), "unread", "warn")
    found = the(examined(pm2sd, name, "--fix", status=1), "masked", "fail")
    assert found["message"] == f"systemd cannot load {name}@0"
    assert "ExecStart=" in run("sh", "-c", found["hint"]).stdout
    drop_in.unlink()
    the(examined(pm2sd, name, "--fix"), "masked", "ok")


def test_files_beside_the_units_that_vanished(pm2sd: Pm2sd, project: Project) -> None:
    script = project.script("http_server.js")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web: dict[str, Any] = {"script": script, "args": [], "interpreter": "node"}
    web |= {"exec_mode": "cluster", "env": {"PORT": str(port)}, "secrets": {"KEY": "hidden"}}
    name = applied(pm2sd, project, **web)
    the(examined(pm2sd, name), "missing", "ok")
    (UNITS / f"{name}@.service.d/secrets.env").unlink()
    found = the(examined(pm2sd, name, status=1), "missing", "fail")
    assert found["message"].startswith("the file of secrets ")
    assert pm2sd(*shlex.split(found["hint"])[1:]).exit_status == 0
    the(examined(pm2sd, name), "missing", "ok")


def test_an_app_that_does_not_come_back_at_boot(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    assert systemctl("disable", f"{name}.target").exit_status == 0
    found = the(examined(pm2sd, name), "enabled", "warn")
    assert run("sh", "-c", found["hint"]).exit_status == 0
    the(examined(pm2sd, name), "enabled", "ok")


def test_secrets_that_others_may_read_are_closed_by_fix(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project, secrets={"KEY": "hidden"})
    secrets = UNITS / f"{name}@.service.d/secrets.env"
    secrets.chmod(0o644)
    result = pm2sd("doctor", name, "--fix")
    assert f"fixed {secrets} has mode 0600 now\n" in result.stdout
    assert "hidden" not in result.stdout
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600


def test_a_failed_app_with_its_last_errors_of_a_kind_together(
    pm2sd: Pm2sd, project: Project
) -> None:
    script = project.write(
        "app.py", "import os\nraise OSError(f'no database, try {os.getpid()}')\n"
    )
    options = {"script": str(script), "args": [], "interpreter": "python3", "instances": 2}
    name = applied(pm2sd, project, status=1, max_restarts=6, **BRIEF, **options)
    eventually(lambda: all(is_failed(f"{name}@{number}.service") for number in range(2)))

    def told() -> dict[str, Any]:
        found = the(examined(pm2sd, name, status=1), "failed", "fail")
        assert re.fullmatch(r"\d+x OSError: no database, try \d+", found["details"][-1]), found
        return found

    found = eventually(told)  # the journal may have the last line a moment later
    assert found["message"] == f"{name}@0, {name}@1 failed: exited with code 1"
    assert len(found["details"]) == 1
    flaps = the(examined(pm2sd, name, status=1), "flapping", "warn")
    assert re.search(r"restarted up to \d times .* \(2 of 2 instances\)", flaps["message"])


def test_a_directory_of_units_that_is_not_the_users(pm2sd: Pm2sd, project: Project) -> None:
    directory = project.path / "config/systemd/user"
    directory.mkdir(parents=True)
    for mode, words in ((0o500, "may not be written"), (0o300, "may not be read")):
        directory.chmod(mode)
        result = examined(pm2sd, status=1, env={"XDG_CONFIG_HOME": str(project.path / "config")})
        found = the(result, "unit-directory", "fail")
        assert f"{directory} {words}, so" in found["message"]
        # It is the own one, so nobody has to be root; integration/vm/test_doctor.py has another.
        for command in found["hint"].replace("sudo ", "").split(" && "):
            assert run("sh", "-c", command).exit_status == 0
        result = examined(pm2sd, status=1, env={"XDG_CONFIG_HOME": str(project.path / "config")})
        the(result, "unit-directory", "ok")
        assert the(result, "unit-path", "fail")["hint"] == "unset XDG_CONFIG_HOME"


def test_a_port_that_somebody_else_has(pm2sd: Pm2sd, project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = {"PORT": str(port), "HOST": "127.0.0.1"}
        server = project.script("http_server.js")
        options = {"script": server, "args": [], "interpreter": "node", "env": env}
        name = applied(pm2sd, project, status=1, max_restarts=1, **BRIEF, **options)
        eventually(lambda: is_failed(f"{name}@0.service"))
        found = the(examined(pm2sd, name, status=1), "ports", "fail")
        assert found["message"].startswith(f"port {port} is taken by ")
        assert f"(pid {os.getpid()}, " in found["message"]

        def told() -> list[str]:
            details: list[str] = the(examined(pm2sd, name, status=1), "failed", "fail")["details"]
            return [line for line in details if "EADDRINUSE" in line]

        assert eventually(told)
    assert pm2sd("restart", name).exit_status == 0
    the(examined(pm2sd, name), "ports", "ok")


@pytest.mark.parametrize("mode", [(), ("-i", "1")], ids=["fork", "cluster"])
def test_a_pm2_that_runs_an_app_of_the_same_name(
    pm2sd: Pm2sd, project: Project, pm2: Pm2, mode: tuple[str, ...]
) -> None:
    name = applied(pm2sd, project)
    script = project.write("forever.js", "setInterval(() => {}, 1000)\n")
    assert pm2("start", script, "--name", name, *mode).exit_status == 0
    mine = [one for one in of(examined(pm2sd, name), "pm2") if str(pm2.home) in one["message"]]
    assert [one["status"] for one in mine] == ["warn"]
    assert mine[0]["details"] == [f"{name}: both PM2 and pm2sd have an app of this name"]
    assert pm2("delete", name).exit_status == 0
    mine = [one for one in of(examined(pm2sd, name), "pm2") if str(pm2.home) in one["message"]]
    assert [one["status"] for one in mine] == ["info"]


def test_a_large_log_file_that_nobody_rotates(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "app.log"
    name = applied(pm2sd, project, out_file=str(log))
    found = the(examined(pm2sd, name), "log-files", "ok")
    assert found["message"] == "the apps' 1 log files take 0 MiB together"
    with log.open("r+b") as file:
        file.truncate(150 << 20)
    found = the(examined(pm2sd, name), "log-files", "warn")
    assert found["message"] == f"{log} has 150 MiB, and nobody rotates it"
    conf = UNITS.parents[1] / "logrotate.conf"
    conf.write_text(f"{project.path}/*.log {{\n  size 10M\n}}\n")
    try:
        the(examined(pm2sd, name), "log-files", "ok")
    finally:
        conf.unlink()


@pytest.mark.parametrize("value", [None, "/run/user/0"])
def test_a_runtime_directory_that_systemctl_does_not_find(
    pm2sd: Pm2sd, project: Project, value: str | None
) -> None:
    name = applied(pm2sd, project)
    result = examined(pm2sd, name, env={"XDG_RUNTIME_DIR": value})
    mine = os.environ["XDG_RUNTIME_DIR"]
    assert the(result, "runtime-dir", "warn")["hint"] == f"export XDG_RUNTIME_DIR={mine}"


def test_without_a_manager_it_says_why_and_looks_at_the_files(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = applied(pm2sd, project)
    (UNITS / f"{name}.target").chmod(0o644)
    nowhere = project.path / "runtime"
    nowhere.mkdir()
    env = {"XDG_RUNTIME_DIR": str(nowhere), "DBUS_SESSION_BUS_ADDRESS": None}
    result = examined(pm2sd, name, status=1, env=env)
    found = the(result, "user-manager", "fail")
    assert found["hint"] == f"export XDG_RUNTIME_DIR=/run/user/{os.getuid()}"
    the(result, "secrets", "warn")
    assert not of(result, "failed")
    mended = examined(pm2sd, name, "--fix", status=1, env=env)
    assert mended.json["fixed"] == [f"{UNITS}/{name}.target has mode 0600 now"]


def test_without_a_journal_it_says_so(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    tools = project.path / "bin"
    tools.mkdir()
    for tool in ("systemd-analyze", "loginctl"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    result = examined(pm2sd, name, env={"PATH": str(tools)})
    assert any("journalctl is not installed" in one["message"] for one in of(result, "journal"))
    the(result, "flapping", "info")
    the(result, "journal-dropped", "info")


def test_the_scores_are_those_of_systemd_analyze(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project, hardening="strict")
    said = run("systemd-analyze", "--user", "--no-pager", "security", f"{name}@0.service").stdout
    score = re.search(r"exposure level for .*: ([0-9.]+)", said)
    assert score
    found = the(examined(pm2sd, name), "hardening", "info")
    assert found["message"] == f"exposure {score[1]} of 10 (strict): {name}"


def test_the_clock_is_judged_as_timedatectl_judges_it(pm2sd: Pm2sd) -> None:
    theirs = run("timedatectl", "show", "--property=NTPSynchronized", "--value").stdout.strip()
    unkept = any("NTP" in one["message"] for one in of(pm2sd("doctor", "--json"), "clock"))
    assert unkept == (theirs == "no")


@pytest.mark.xdist_group("alone")
def test_a_hundred_apps_take_less_than_two_seconds(pm2sd: Pm2sd, project: Project) -> None:
    apps = [{"name": project.name(f"n{number}"), **SLEEPS} for number in range(100)]
    assert pm2sd("apply", project.ecosystem(apps), timeout=120).exit_status == 0
    took = []
    for _ in range(3):
        before = os.times()
        result = examined(pm2sd)
        after = os.times()  # of processors: other tests may have them meanwhile
        took.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
    assert min(took) < 2, took
    assert len(of(result, "failed")) == 1


@pytest.mark.xdist_group("alone")
def test_what_is_left_of_an_app_is_removed_by_fix_once_nothing_runs(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = applied(pm2sd, project)
    (UNITS / f"{name}.target").unlink()
    left = _of_name(examined(pm2sd), "orphans", name)
    assert any(one["message"].endswith(f"and {name}@0 still run") for one in left), left
    assert systemctl("stop", f"{name}@0.service").exit_status == 0
    left = _of_name(examined(pm2sd), "orphans", name)
    assert [one["fixable"] for one in left] == [True, True]
    done = examined(pm2sd, "--fix").json["fixed"]
    assert f"removed {UNITS}/{name}@.service" in done
    assert f"removed {UNITS}/default.target.wants/{name}.target" in done
    assert not project.unit_files()
    assert not _of_name(examined(pm2sd), "orphans", name)


@pytest.mark.xdist_group("alone")
def test_a_failed_unit_without_a_file_is_forgotten_by_fix(pm2sd: Pm2sd, project: Project) -> None:
    once = {"script": "false", "args": [], "max_restarts": 1, **BRIEF}
    name = applied(pm2sd, project, status=1, **once)
    eventually(lambda: is_failed(f"{name}@0.service"))
    for path in project.unit_files():
        path.unlink()
    assert systemctl("daemon-reload").exit_status == 0
    (left,) = _of_name(examined(pm2sd), "orphans", f"{name}@0")
    assert left["hint"] == f"systemctl --user reset-failed {name}@0.service"
    assert f"forgot that {name}@0.service failed" in examined(pm2sd, "--fix").json["fixed"]
    assert not _of_name(examined(pm2sd), "orphans", name)


@pytest.mark.xdist_group("alone")
def test_a_unit_that_runs_without_a_file_is_told_and_left_alone(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = applied(pm2sd, project)
    for path in project.unit_files():
        path.unlink()
    assert systemctl("daemon-reload").exit_status == 0
    (left,) = _of_name(examined(pm2sd, "--fix"), "orphans", f"{name}@0")
    assert (left["fixable"], left["hint"]) == (False, f"systemctl --user stop {name}@0.service")
    assert properties(f"{name}@0.service", "ActiveState")["ActiveState"] == "active"


def _of_name(result: Result, check: str, name: str) -> list[dict[str, Any]]:
    return [one for one in of(result, check) if name in one["message"]]


def test_nothing_of_it_waits_for_a_frozen_manager(pm2sd: Pm2sd, project: Project) -> None:
    nowhere = project.path / "runtime"
    (nowhere / "systemd").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(nowhere / "systemd/private"))
        silent.listen()
        result = examined(pm2sd, status=1, env={"XDG_RUNTIME_DIR": str(nowhere)}, timeout=60)
    the(result, "user-manager", "fail")


def test_report_has_what_doctor_warns_of(pm2sd: Pm2sd, project: Project) -> None:
    name = applied(pm2sd, project)
    (UNITS / f"{name}.target").chmod(0o644)
    told = pm2sd("report", "--json").json["doctor"]
    assert any(line.startswith(f"warn secrets: {name}: others may read") for line in told), told
