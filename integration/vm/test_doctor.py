"""``doctor`` on machines broken as only root, another kernel or another clock can break them.

The hint of each finding is typed as it stands, by root, and mends it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from integration.harness import eventually
from integration.vm.machine import PATIENCE, Machine, only

TESTER = 1000

# The sandbox's systemd is 252 or so: here is the other one.
pytestmark = only("13")

RUNTIME = f"/run/user/{TESTER}"
UNITS = "/home/tester/.config/systemd/user"

# Tells the kernel that somebody keeps the clock right, as an NTP client does, or that nobody does:
# adjtimex(2), modes ADJ_MAXERROR and ADJ_STATUS; the status STA_PLL or STA_UNSYNC.
SYNCHRONISE = """
import ctypes, sys
timex = (ctypes.c_long * 64)()
ctypes.c_uint.from_buffer(timex).value = 0x0004 | 0x0010
timex[3] = int(sys.argv[1])
ctypes.c_int.from_buffer(timex, 5 * 8).value = int(sys.argv[2])
assert ctypes.CDLL(None, use_errno=True).adjtimex(timex) >= 0, ctypes.get_errno()
"""


def findings(
    machine: Machine, check: str, options: str = "", status: int = 0
) -> list[dict[str, Any]]:
    """What one check found; ``doctor`` ends with this status."""
    done = machine.run(f"pm2sd doctor --json {options}")
    assert done.exit_status == status, done
    return [one for one in json.loads(done.stdout)["checks"] if one["check"] == check]


def the(machine: Machine, check: str, wanted: str, status: int = 0) -> dict[str, Any]:
    """The one finding of a check, which has this status."""
    (found,) = findings(machine, check, status=status)
    assert found["status"] == wanted, found
    return found


def as_root(machine: Machine, command: str) -> None:
    """Does something as root."""
    done = machine.run(command, user="root")
    assert done.exit_status == 0, done


BREAKS_THE_MACHINE = True
"""Clock, journal, memory, groups: what is put back is not all."""


def restart_manager(machine: Machine) -> None:
    """Ends the user's session and manager, so that the next command begins both anew."""
    machine.logout()
    as_root(machine, f"systemctl daemon-reload; systemctl stop user@{TESTER}.service")


def apply(machine: Machine, *apps: dict[str, Any], status: int = 0) -> None:
    """Applies apps of which each has a script that sleeps, unless it says otherwise."""
    sleeps = {"script": "sleep", "args": "1000", "interpreter": "none"}
    file = {"apps": [sleeps | app for app in apps]}
    machine.write("app/ecosystem.json", json.dumps(file))
    done = machine.run("cd app && pm2sd apply")
    assert done.exit_status == status, done


@pytest.fixture(autouse=True)
def without_apps(machine: Machine) -> Iterator[None]:
    """Nothing is left of a test's apps."""
    yield
    machine.run("pm2sd delete all")


def test_lingering_is_enabled_by_fix_where_the_policy_lets_the_user(machine: Machine) -> None:
    as_root(machine, "loginctl disable-linger tester")
    assert the(machine, "linger", "warn")["hint"] == "sudo loginctl enable-linger tester"
    may = machine.run("loginctl --no-ask-password enable-linger").exit_status == 0
    as_root(machine, "loginctl disable-linger tester")
    done = machine.run("pm2sd doctor --fix --json")
    said = json.loads(done.stdout)["fixed"]
    if may:
        assert said == ["tester lingers now"]
        the(machine, "linger", "ok")
    else:
        assert said[0].startswith("lingering was refused: ")
        the(machine, "linger", "warn")
    as_root(machine, "loginctl enable-linger tester")
    the(machine, "linger", "ok")


def test_a_manager_that_was_not_given_a_controller(machine: Machine) -> None:
    apply(machine, {"name": "web", "cpu_quota": "50%"})
    the(machine, "controllers", "ok")
    conf = "/etc/systemd/system/user@.service.d/mine.conf"
    machine.write(conf, "[Service]\nDelegate=\nDelegate=pids\n", user="root")
    restart_manager(machine)
    try:
        found = the(machine, "controllers", "warn")
        assert "nothing enforces cpu_quota of web: " in found["message"]
        command, reboot, _ = found["hint"].partition(" && sudo systemctl reboot")
        assert reboot
        as_root(machine, command)
        restart_manager(machine)  # what a reboot would do, too
        the(machine, "controllers", "ok")
    finally:
        as_root(machine, f"rm -r {os.path.dirname(conf)}")
        restart_manager(machine)


def test_a_kill_for_want_of_memory(machine: Machine) -> None:
    leak = {"script": "/src/integration/apps/leaks.py", "args": "200 60", "interpreter": "python3"}
    apply(machine, {"name": "leak", "max_memory_restart": "40M", "restart_delay": 60000, **leak})
    found = eventually(lambda: _warned(machine, "oom"), PATIENCE)
    assert "leak" in found[0]["app"]
    assert "max_memory_restart is 40M" in found[0]["message"]


def _warned(machine: Machine, check: str) -> list[dict[str, Any]]:
    done = machine.run("pm2sd doctor --json")
    checks = json.loads(done.stdout)["checks"]
    return [one for one in checks if (one["check"], one["status"]) == (check, "warn")]


def test_lines_that_journald_dropped(machine: Machine) -> None:
    conf = "/etc/systemd/journald.conf.d/mine.conf"
    machine.write(conf, "[Journal]\nRateLimitIntervalSec=3s\nRateLimitBurst=50\n", user="root")
    as_root(machine, "systemctl restart systemd-journald; usermod -aG systemd-journal tester")
    machine.logout()
    try:
        loud = {"script": "sh", "args": ["-c", "seq 100000; exec sleep 1000"]}
        apply(machine, {"name": "loud", **loud})
        # journald tells it when the interval is over and another line comes.
        machine.run("sleep 4; pm2sd restart loud")
        found = eventually(lambda: _warned(machine, "journal-dropped"), PATIENCE)
        assert "pm2sd journald" in found[0]["hint"]
    finally:
        as_root(machine, f"rm {conf}; systemctl restart systemd-journald")


@pytest.mark.parametrize("storage", ["volatile", "none"])
def test_a_journal_that_is_not_on_disk(machine: Machine, storage: str) -> None:
    conf = "/etc/systemd/journald.conf.d/mine.conf"
    machine.write(conf, f"[Journal]\nStorage={storage}\n", user="root")
    as_root(
        machine,
        "mv /var/log/journal /var/log/kept; rm -rf /run/log/journal;"
        " systemctl restart systemd-journald",
    )
    try:
        found = findings(machine, "journal")
        assert found
        assert {one["status"] for one in found} == {"warn"}
        assert ("there is no journal" in found[0]["message"]) is (storage == "none"), found
        as_root(machine, found[0]["hint"])
        eventually(lambda: _writes(machine) and the(machine, "journal", "ok"), PATIENCE)
    finally:
        as_root(
            machine,
            "rm -r /etc/systemd/journald.conf.d /var/log/journal;"
            " mv /var/log/kept /var/log/journal; systemctl restart systemd-journald",
        )


def _writes(machine: Machine) -> bool:
    """The user logs something."""
    return machine.run("echo something | systemd-cat").exit_status == 0


def test_a_journal_that_the_user_may_not_read(machine: Machine) -> None:
    conf = "/etc/systemd/journald.conf.d/mine.conf"
    machine.write(conf, "[Journal]\nSplitMode=none\n", user="root")
    as_root(
        machine,
        "gpasswd --delete tester systemd-journal; systemctl restart systemd-journald;"
        f" journalctl --rotate; rm -f /var/log/journal/*/user-{TESTER}*",
    )
    machine.logout()
    try:
        found = the(machine, "journal", "warn")
        assert "tester cannot read the journal" in found["message"]
        as_root(machine, found["hint"])
        restart_manager(machine)  # groups are those of the login
        the(machine, "journal", "ok")
    finally:
        as_root(machine, f"rm {conf}; systemctl restart systemd-journald")


def test_a_journal_that_has_grown_large(machine: Machine) -> None:
    name = f"user-{TESTER}@{32 * 'a'}-{16 * '1'}-{16 * '2'}.journal"
    as_root(machine, f"truncate -s 5G /var/log/journal/$(cat /etc/machine-id)/{name}")
    found = the(machine, "journal-size", "warn")
    now, _, for_good = found["hint"].partition("; for good: ")
    as_root(machine, now)
    the(machine, "journal-size", "ok")
    assert "SystemMaxUse=" in machine.run(for_good).stdout


def test_a_clock_that_jumps(machine: Machine) -> None:
    jumped = [one for one in findings(machine, "clock") if "was set by" in one["message"]]
    assert not jumped
    as_root(machine, "date --set='+1 hour'")
    try:
        messages = [one["message"] for one in findings(machine, "clock")]
        assert any("the clock was set by +36" in text for text in messages), messages
    finally:
        as_root(machine, "date --set='-1 hour'")


def test_a_clock_that_nobody_keeps_right(machine: Machine) -> None:
    machine.write("/root/adjust.py", SYNCHRONISE, user="root")
    as_root(machine, "python3 /root/adjust.py 1000 1")
    the(machine, "clock", "ok")
    as_root(machine, "python3 /root/adjust.py 16000000 64")
    assert "nobody keeps the clock right (NTP)" in the(machine, "clock", "warn")["message"]


def test_a_disk_that_is_full(machine: Machine) -> None:
    as_root(machine, "mkdir -p /srv/logs; mount -t tmpfs -o size=20M,mode=777 tmpfs /srv/logs")
    try:
        apply(machine, {"name": "web", "out_file": "/srv/logs/web.log"})
        the(machine, "disk", "ok")
        machine.run("head -c 40M /dev/zero >/srv/logs/full")
        found = the(machine, "disk", "fail", status=1)
        assert "the file system of /srv/logs has 0% of its bytes left" in found["message"]
        machine.run("rm /srv/logs/full; for n in $(seq 200); do touch /srv/logs/$n; done")
        as_root(machine, "mount -o remount,nr_inodes=203 /srv/logs")
        found = the(machine, "disk", "fail", status=1)
        assert "/srv/logs has 0% of its inodes left" in found["message"]
        assert machine.run("pm2sd delete web").exit_status == 0
    finally:
        as_root(machine, "umount --lazy /srv/logs")


def test_a_disk_that_is_read_only(machine: Machine) -> None:
    apply(machine, {"name": "web"})
    as_root(machine, f"mount --bind {UNITS} {UNITS}; mount -o remount,bind,ro {UNITS}")
    try:
        found = the(machine, "disk", "fail", status=1)
        assert found["message"] == f"the file system of {UNITS} is read-only"
        assert "ro," in machine.run(found["hint"]).stdout
    finally:
        as_root(machine, f"umount {UNITS}")
    the(machine, "disk", "ok")


def test_a_directory_of_units_that_is_not_the_users(machine: Machine) -> None:
    as_root(machine, f"mkdir -p {UNITS}; chown -R root: {UNITS}")
    found = the(machine, "unit-directory", "fail", status=1)
    as_root(machine, found["hint"])
    the(machine, "unit-directory", "ok")
    apply(machine, {"name": "web"})


def test_a_manager_that_is_shutting_down(machine: Machine) -> None:
    slow = {"script": "sh", "args": ["-c", "trap '' INT TERM; while :; do sleep 1; done"]}
    apply(machine, {"name": "slow", "kill_timeout": 20_000, **slow})
    machine.run("systemctl --user --no-block exit")
    found = eventually(lambda: _warned(machine, "user-manager"), PATIENCE)
    assert found[0]["message"] == "the user manager is stopping"
    assert "stop" in machine.run(f"XDG_RUNTIME_DIR={RUNTIME} {found[0]['hint']}").stdout
    as_root(machine, f"systemctl kill --signal=KILL user@{TESTER}.service")
    restart_manager(machine)
    the(machine, "user-manager", "ok")


def test_pm2_that_is_started_at_boot(machine: Machine) -> None:
    link = "/etc/systemd/system/multi-user.target.wants/pm2-tester.service"
    as_root(machine, f"ln -s /etc/systemd/system/pm2-tester.service {link}")
    found = the(machine, "pm2", "info")
    assert found["message"] == "PM2 is started at boot (pm2-tester.service)"
    as_root(machine, f"rm {link}")
    the(machine, "pm2", "ok")


def test_watchers_that_the_kernel_has_no_room_for(machine: Machine) -> None:
    apply(machine, {"name": "web", "watch": ["."], "cwd": "/home/tester/app"})
    the(machine, "inotify", "ok")
    before = machine.run("cat /proc/sys/fs/inotify/max_user_instances").stdout.strip()
    as_root(machine, "sysctl fs.inotify.max_user_instances=1")
    try:
        found = the(machine, "inotify", "fail", status=1)
        assert found["hint"] == "sudo sysctl fs.inotify.max_user_instances=4"
    finally:
        as_root(machine, f"sysctl fs.inotify.max_user_instances={before}")


def test_a_user_without_a_session_is_told_what_is_missing(machine: Machine) -> None:
    done = machine.run(["runuser", "-u", "other", "--", "pm2sd", "doctor", "--json"], user="root")
    assert done.exit_status == 1, done
    first = json.loads(done.stdout)["checks"][0]
    assert (first["check"], first["status"]) == ("user-manager", "fail")
    assert first["hint"] == "sudo loginctl enable-linger other"


def test_without_a_user_bus_apps_run_on(machine: Machine) -> None:
    apply(machine, {"name": "web"})
    machine.run("mv $XDG_RUNTIME_DIR/bus $XDG_RUNTIME_DIR/bus.away")
    try:
        assert "dbus-user-session" in the(machine, "user-bus", "warn")["hint"]
    finally:
        machine.run("mv $XDG_RUNTIME_DIR/bus.away $XDG_RUNTIME_DIR/bus")
    the(machine, "user-bus", "ok")
