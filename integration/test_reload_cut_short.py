"""A reload or an apply that is interrupted or killed: what it leaves, and who tidies up."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from integration.clients import Load
from integration.harness import eventually, properties
from integration.web import Web, cut_short, killed_reload
from pm2sd.errors import ExitStatus


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_an_interrupted_reload_leaves_is_taken_away(web: Web, number: int) -> None:
    web.apply(2)
    extra = f"{web.name}@2.service"
    web.project.write("slow-0", "")  # or it could be over before it is seen
    with Load(web.port) as load:
        with web.begin("reload", web.name) as process:
            eventually(lambda: properties(extra, "ActiveState")["ActiveState"] == "active", 60)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        if number != signal.SIGKILL:
            assert process.returncode == ExitStatus.INTERRUPTED
            assert "interrupted: what was not restarted yet serves as before" in said
            assert not web.is_extra_there()
        assert web.pm2sd("start", web.name).exit_status == ExitStatus.OK
        assert not web.is_extra_there()
    assert load.failures == []


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
            if point == "started":
                web.project.write("slow", "")  # or it could be over before it is seen
            killed_reload(web, point)
            Path(web.project.path, "slow").unlink(missing_ok=True)
            done = web.pm2sd(*command)
            assert done.exit_status == ExitStatus.OK, (point, done)
            assert not web.is_extra_there(), point
            assert [web.state(0), web.state(1)] == ["active", "active"]
        assert web.pm2sd("diff").exit_status == ExitStatus.OK
    assert load.failures == []


def test_an_extra_instance_that_alone_serves_goes_once_another_does(web: Web) -> None:
    web.apply(1)
    with Load(web.port) as load:
        web.project.write("slow", "")
        killed_reload(web, "first goes")
        assert web.state(0) == "activating"
        assert web.pm2sd("start", web.name).exit_status == ExitStatus.OK
        assert web.state(0) == "active"
        assert not web.is_extra_there()
    assert load.failures == []


@pytest.mark.parametrize(
    ("point", "number"),
    [
        ("files written", signal.SIGINT),
        ("noted", signal.SIGHUP),
        ("started", signal.SIGTERM),
    ],
)
def test_an_apply_interrupted_at_the_gate_puts_the_unit_files_back(
    web: Web, point: str, number: signal.Signals
) -> None:
    web.apply(3)
    before, cat = web.pids(), web.pm2sd("cat", web.name).stdout
    web.project.write("slow", "")
    with Load(web.port) as load:
        said = cut_short(web, point, number, "apply", web.ecosystem(2, BUILD="new"))
        assert f"interrupted: as before, unit files too: {web.name}; apply again" in said
        assert web.pm2sd("cat", web.name).stdout == cat
        web.instances = 3
        assert web.pids()[:2] == before[:2]
        assert [web.state(n) for n in range(3)] == ["active"] * 3, "the third was stopped for it"
        assert not web.is_extra_there()
        Path(web.project.path, "slow").unlink()
        assert web.crash(0) == ""
        seen = load.count
        eventually(lambda: load.count > seen + 20)
        assert web.pm2sd("diff").exit_status == ExitStatus.FAILED
        web.apply(2, BUILD="new")
        assert web.crash(1) == "BUILD=new"
    assert len(load.failures) <= 2 * 8, "of the instances that the test killed"


@pytest.mark.parametrize("point", ["files written", "started"])
def test_after_an_apply_killed_at_the_gate_the_next_command_puts_the_unit_files_back(
    web: Web, point: str
) -> None:
    web.apply(3)
    before, cat = web.pids(), web.pm2sd("cat", web.name).stdout
    web.project.write("slow", "")
    # The extra instance has the name of the one that is too many.
    cut_short(web, point, signal.SIGKILL, "apply", web.ecosystem(2, BUILD="new"))
    Path(web.project.path, "slow").unlink()
    # Until then a crash brings up what was being tried.
    web.crash(1)
    done = web.pm2sd("start", f"{web.name}@0")
    assert done.exit_status == ExitStatus.OK, done
    assert f"an apply was killed before {web.name} had come up: its unit files are" in (done.stderr)
    assert web.pm2sd("cat", web.name).stdout == cat
    assert not web.drop_in.exists()
    web.instances = 3
    assert web.pids()[0] == before[0]
    assert [web.state(number) for number in range(3)] == ["active"] * 3
    assert [web.crash(number) for number in (1, 2)] == ["", ""]
    again = web.pm2sd("start", web.name)
    assert "an apply was killed" not in again.stderr
    web.apply(2, BUILD="new")
    assert web.pm2sd("diff").exit_status == ExitStatus.OK


def test_a_test_that_ends_in_the_middle_leaves_the_next_one_nothing_to_put_back(web: Web) -> None:
    """The second attempt would begin with the apps of the first."""
    web.apply(3)
    web.project.write("slow", "")
    cut_short(web, "started", signal.SIGKILL, "apply", web.ecosystem(2, BUILD="new"))
    web.project.clean_up()
    other = {"name": web.project.name("other"), "script": "sleep", "args": "infinity"}
    done = web.pm2sd("apply", web.project.ecosystem([other]))
    assert done.exit_status == ExitStatus.OK, done
    assert "killed" not in done.stderr
    assert not web.unit_file.exists()
    assert not web.drop_in.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_past_the_gate_what_is_left_to_restart_is_said_by_the_next_command(
    web: Web, number: signal.Signals
) -> None:
    web.apply(2)
    before = web.pids()
    web.project.write("slow", "")
    cut_short(web, "first goes", number, "apply", web.ecosystem(2, BUILD="new"))
    eventually(lambda: web.state(0) == "active")
    done = web.pm2sd("start", web.name)
    assert done.exit_status == ExitStatus.OK, done
    left = f"not restarted yet since an earlier apply: {web.name}@1: pm2sd reload {web.name}"
    assert left in done.stderr
    assert web.pids()[1] == before[1]
    assert not web.is_extra_there()
    Path(web.project.path, "slow").unlink()
    assert web.pm2sd("reload", web.name).exit_status == ExitStatus.OK
    assert "not restarted" not in web.pm2sd("start", web.name).stderr
    assert web.pm2sd("diff").exit_status == ExitStatus.OK
    assert web.crash(1) == "BUILD=new"
