"""integration/sandbox is what it says; these tests run inside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from integration.harness import APPS, Project, eventually, properties, run, systemctl

pytestmark = pytest.mark.skipif(
    not os.environ.get("PM2SD_SANDBOX"), reason="about the sandbox; not in it"
)

ROOT = APPS.parents[1]


def test_checkout_is_read_only() -> None:
    assert os.statvfs(ROOT).f_flag & os.ST_RDONLY


@pytest.mark.parametrize("directory", ["/tmp", "/run", "/var/tmp", "/dev/shm"])
def test_temporary_directories_are_its_own(directory: str) -> None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    assert [kind for _, mounted, kind, *_ in mounts if mounted == directory][-1] == "tmpfs"


def test_no_file_of_the_machine_is_mounted_writable() -> None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    virtual = {"tmpfs", "proc", "sysfs", "devpts", "cgroup2", "devtmpfs"}
    writable = {
        mounted
        for _, mounted, kind, options, *_ in mounts
        if kind not in virtual and "ro" not in options.split(",")
    }
    assert writable <= {"/"}


def test_kernel_switches_are_read_only() -> None:
    assert os.statvfs("/proc/sys").f_flag & os.ST_RDONLY


def test_first_process_is_systemd_and_nothing_failed() -> None:
    assert Path("/proc/1/comm").read_text() == "systemd\n"
    assert run("systemctl", "--failed", "--no-legend").stdout == ""
    eventually(lambda: systemctl("is-system-running").stdout == "running\n")


def test_output_of_a_user_unit_is_in_its_journal(project: Project) -> None:
    unit = f"{project.name()}.service"
    started = run("systemd-run", "--user", f"--unit={unit}", "--", "echo", "it is there")
    assert started.exit_status == 0, started
    journal = eventually(
        lambda: run("journalctl", "--user", "--output=cat", f"--unit={unit}").stdout
    )
    assert "it is there" in journal


def test_a_killed_unit_is_gone_from_its_cgroup(project: Project) -> None:
    unit = f"{project.name()}.service"
    started = run("systemd-run", "--user", f"--unit={unit}", "--", "sleep", "300")
    assert started.exit_status == 0, started
    cgroup = Path("/sys/fs/cgroup") / properties(unit, "ControlGroup")["ControlGroup"].lstrip("/")
    assert (cgroup / "cgroup.procs").read_text() != ""
    assert systemctl("stop", unit).exit_status == 0
    eventually(lambda: not cgroup.exists())
