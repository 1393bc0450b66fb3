"""Units for another version of systemd: looked at here, and moved to."""

from __future__ import annotations

import pytest

from integration.harness import Pm2sd, Project
from pm2sd.errors import ExitStatus


@pytest.fixture
def growing(project: Project) -> str:
    """An app whose units differ between 252 and 257, and one whose units do not."""
    return str(
        project.ecosystem(
            [
                {
                    "name": project.name("growing"),
                    "script": "sleep",
                    "args": "infinity",
                    "exp_backoff_restart_delay": 100,
                },
                {"name": project.name("same"), "script": "sleep", "args": "infinity"},
            ]
        )
    )


@pytest.mark.parametrize(("version", "has"), [(249, False), (252, False), (254, True), (257, True)])
def test_cat_prints_the_units_for_a_version(
    pm2sd: Pm2sd, project: Project, growing: str, version: int, has: bool
) -> None:
    shown = pm2sd("cat", growing, "--target-systemd", str(version))
    assert shown.exit_status == ExitStatus.OK, shown
    assert ("RestartSteps=" in shown.stdout) is has
    assert ("pm2sd-backoff" in shown.stdout.replace("[X-Pm2sd]", "")) is not has
    assert project.unit_files() == []


def test_cat_for_a_version_needs_no_manager_and_shows_no_secret(
    pm2sd: Pm2sd, project: Project
) -> None:
    app = {"name": project.name("a"), "script": "sleep", "args": "9", "secrets": {"KEY": "hunter2"}}
    file = str(project.ecosystem([app]))
    shown = pm2sd("cat", file, "--target-systemd", "257", env={"XDG_RUNTIME_DIR": "/nonexistent"})
    assert shown.exit_status == ExitStatus.OK, shown
    assert "ExecStart=" in shown.stdout
    assert "hunter2" not in shown.stdout


@pytest.mark.parametrize("command", [["cat"], ["diff"], ["apply", "--dry-run"]], ids=" ".join)
def test_a_directive_is_checked_against_the_version(
    pm2sd: Pm2sd, project: Project, command: list[str]
) -> None:
    unit = {"Service": {"RestartMode": "direct"}}
    app = {"name": project.name("a"), "script": "sleep", "args": "9", "unit": unit}
    file = str(project.ecosystem([app]))
    old = pm2sd(*command, file, "--target-systemd", "253")
    assert old.exit_status == ExitStatus.INVALID_CONFIG, old
    assert "systemd 253 knows no RestartMode= in [Service]" in old.stderr
    assert "hint: it came with systemd 254" in old.stderr
    new = pm2sd(*command, file, "--target-systemd", "254")
    assert new.exit_status == (ExitStatus.FAILED if command == ["diff"] else ExitStatus.OK), new


def test_another_version_replans_only_what_differs(
    pm2sd: Pm2sd, project: Project, growing: str
) -> None:
    assert pm2sd("apply", growing).exit_status == ExitStatus.OK
    assert pm2sd("diff", growing).exit_status == ExitStatus.OK
    for command in (["diff", growing], ["apply", growing, "--dry-run"]):
        new = pm2sd(*command, "--target-systemd", "257")
        old = pm2sd(*command, "--target-systemd", "252")
        # One of them is as it is here; the other changes one app and leaves the other alone.
        changed = [one for one in (new, old) if f"~ {project.name('growing')}" in one.stdout]
        assert len(changed) == 1, (new, old)
        assert f"= {project.name('same')}" in changed[0].stdout
    assert pm2sd("diff", growing).exit_status == ExitStatus.OK


def test_what_is_for_another_machine_is_not_applied(
    pm2sd: Pm2sd, project: Project, growing: str
) -> None:
    refused = pm2sd("apply", growing, "--target-systemd", "257")
    assert refused.exit_status == ExitStatus.USAGE
    assert "--dry-run" in refused.stderr
    too_old = pm2sd("cat", growing, "--target-systemd", "219")
    assert too_old.exit_status == ExitStatus.FAILED
    assert "systemd 219 is too old" in too_old.stderr
    no_file = pm2sd("cat", "nothing", "--target-systemd", "257")
    assert no_file.exit_status == ExitStatus.USAGE
    assert "no ecosystem file" in no_file.stderr
    assert project.unit_files() == []
