"""What is said of instances that do not come up, or go down, and what is to be done about it."""

from __future__ import annotations

from integration.harness import Pm2sd, Project, eventually, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory


def test_what_systemctl_masked_or_somebody_removed_is_named_with_its_remedy(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name()
    file = project.ecosystem([{"name": name, "script": "sleep", "args": "infinity"}])
    assert pm2sd("apply", file).exit_status == 0
    for runtime in (), ("--runtime",):
        assert systemctl("mask", *runtime, f"{name}@0.service").exit_status == 0
        restarted = pm2sd("restart", name)
        assert restarted.exit_status == ExitStatus.FAILED
        assert f"is masked: systemctl --user unmask {name}@0.service" in restarted.stderr
        applied = pm2sd("apply", file)
        assert applied.exit_status == ExitStatus.INVALID_CONFIG
        command = " ".join(("systemctl --user unmask", *runtime, f"{name}@0.service"))
        assert f"hint: {command}\n" in applied.stderr
        assert systemctl(*command.split()[2:]).exit_status == 0
    assert pm2sd("restart", name).exit_status == 0
    (unit_directory() / f"{name}@.service").unlink()
    systemctl("daemon-reload")
    systemctl("stop", f"{name}@0.service")
    started = pm2sd("start", name)
    assert started.exit_status == ExitStatus.FAILED
    assert "has no unit file any more: apply its ecosystem file again" in started.stderr
    assert pm2sd("apply", file).exit_status == 0


def test_processes_left_behind_are_not_taken_for_the_app(pm2sd: Pm2sd, project: Project) -> None:
    """A shell has its background commands ignore SIGINT; it runs its trap, and ends in time."""
    name = project.name()
    loop = "trap 'echo cleaned; exit 0' INT\necho up\nwhile :; do sleep 1000 & wait $!; done\n"
    project.ecosystem([{"name": name, "script": str(project.write("loop.sh", loop))}])
    assert pm2sd("apply").exit_status == 0
    eventually(lambda: "up" in pm2sd("logs", name, "--nostream", "--raw").stdout)
    stopped = pm2sd("stop", name)
    assert stopped.exit_status == 0, stopped
    assert f"{name}@0 left processes behind that did not stop within kill_timeout" in stopped.stderr
    eventually(lambda: "cleaned" in pm2sd("logs", name, "--nostream", "--raw").stdout)


def test_an_app_that_goes_into_the_background_is_told_apart_from_one_that_is_not_ready(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name()
    script = project.write("daemon.sh", "trap '' INT\nsleep 1000 &\nexit 0\n")
    # Longer than what is started is watched for, all of which the first one would spend stopping.
    project.ecosystem([{"name": name, "script": str(script), "kill_timeout": 3000}])
    applied = pm2sd("apply")
    assert applied.exit_status == ExitStatus.FAILED, applied
    assert "left processes behind that did not stop within kill_timeout" in applied.stderr
    assert "listen_timeout" not in applied.stderr
    assert f"up: {name}" not in applied.stderr


def test_what_cannot_be_executed_any_more_is_named_and_not_what_the_app_said_before(
    pm2sd: Pm2sd, project: Project
) -> None:
    name = project.name()
    script = project.write("app.py", "import signal\nprint('up')\nsignal.pause()\n")
    python = project.path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    project.ecosystem([{"name": name, "script": str(script), "interpreter": str(python)}])
    assert pm2sd("apply").exit_status == 0
    eventually(lambda: "up" in pm2sd("logs", name, "--nostream", "--raw").stdout)
    python.unlink()
    restarted = pm2sd("restart", name)
    assert restarted.exit_status == ExitStatus.FAILED
    assert f"the interpreter {python} is gone" in restarted.stderr
    # Stopped by SIGINT it died of one, which is nothing that went wrong.
    assert "KeyboardInterrupt" not in restarted.stderr


def test_what_a_first_line_asks_for_and_is_gone_is_named(pm2sd: Pm2sd, project: Project) -> None:
    """As of gunicorn in a virtual environment whose Python went with an upgrade."""
    python = project.path / "venv/bin/python3"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    script = project.write("venv/bin/server", f"#!{python}\nimport signal\nsignal.pause()\n")
    script.chmod(0o755)
    other = "test ! -e broken || { echo words of its own; exit 1; }; exec sleep infinity\n"
    apps = {"server": str(script), "other": str(project.write("other.sh", other))}
    project.ecosystem([{"name": project.name(a), "script": path} for a, path in apps.items()])
    assert pm2sd("apply").exit_status == 0
    python.unlink()
    project.write("broken", "")
    restarted = pm2sd("restart", *(project.name(a) for a in apps))
    assert restarted.exit_status == ExitStatus.FAILED
    assert restarted.stderr.count("| Failed to execute process: No such file or directory") == 1
    assert f"the first line of {script} asks for {python}, which is gone" in restarted.stderr
    assert "| words of its own" in restarted.stderr
