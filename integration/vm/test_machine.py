"""The machines are what the other tests take them for."""

from __future__ import annotations

import subprocess

import pytest

from integration.vm.machine import Machine, only


def test_it_is_the_release_it_says(machine: Machine) -> None:
    release = machine.run(". /etc/os-release; echo $VERSION_ID").stdout.strip()
    version = machine.run("systemctl --version").stdout.split()[1]
    assert (release, int(version)) == (machine.release, machine.systemd)


def test_a_user_has_a_real_session_and_the_memory_controller(machine: Machine) -> None:
    assert machine.run("loginctl show-user tester --property=State").stdout == "State=active\n"
    assert machine.run("systemctl --user is-system-running --wait").stdout == "running\n"
    controllers = machine.run(
        "cat /sys/fs/cgroup/$(systemctl show user@$UID -P ControlGroup)/*.controllers"
    )
    assert "memory" in controllers.stdout.split(), controllers


def test_commands_keep_their_streams_statuses_and_input(machine: Machine) -> None:
    done = machine.run("cat; echo wrong >&2; exit 7", input="größer\n\x00" + 200_000 * "x")
    assert done.exit_status == 7
    assert done.stdout == "größer\n\x00" + 200_000 * "x"
    assert done.stderr == "wrong\n"
    assert machine.run("id -un", user="root").stdout == "root\n"


def test_a_command_that_hangs_is_killed(machine: Machine) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        machine.run("sleep 100", timeout=0.5)
    assert machine.run("echo still here").stdout == "still here\n"


@only("12")
def test_a_reboot_keeps_the_disk_and_a_power_cut_what_was_synced(machine: Machine) -> None:
    boot = "cat /proc/sys/kernel/random/boot_id"
    machine.write("kept", "one\n")
    before = machine.run(boot).stdout
    machine.reboot()
    assert machine.run(boot).stdout != before
    assert machine.run("cat kept").stdout == "one\n"
    machine.run("echo two >synced; sync synced .; echo three >lost")
    machine.power_cut()
    machine.boot()
    assert machine.run("cat kept synced lost").stdout == "one\ntwo\n"


def test_pm2sd_is_installed(machine: Machine) -> None:
    assert machine.run("pm2sd status").exit_status == 0
