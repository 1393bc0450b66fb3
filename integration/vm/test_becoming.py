"""Becoming another user with su, runuser and sudo: none of them makes a session inside of one."""

from __future__ import annotations

import json

from integration.harness import Result
from integration.vm.machine import Machine
from pm2sd.errors import ExitStatus

APPLY = "pm2sd apply /srv/ecosystem.json"
KEEP_HOME = ("su --preserve-environment tester -c", "sudo -E -u tester sh -c")
BECOME = (
    "su - tester -c",
    "su tester -c",
    "runuser -u tester -- sh -c",
    "sudo -u tester -i sh -c",
    "sudo -u tester sh -c",
    *KEEP_HOME,
)
WITHIN = 20.0
"""Seconds for a command that is to fail at once, on a machine that has a fifth of a processor."""

EACH = """
import json, subprocess, sys
command, *ways = sys.argv[1:]
done = [subprocess.run([*way.split(), command], capture_output=True, text=True) for way in ways]
print(json.dumps([(one.returncode, one.stdout, one.stderr) for one in done]))
"""


def by(machine: Machine, command: str, *ways: str) -> dict[str, Result]:
    """What a command does for each way of becoming tester, in a session of root's."""
    machine.write("/root/each.py", EACH, user="root")
    told = as_root(machine, "python3", "each.py", command, *ways)
    return {way: Result(*one) for way, one in zip(ways, told.json, strict=True)}


def as_root(machine: Machine, *words: str) -> Result:
    """What a command does in a session of root's; typed as it is."""
    script = 'exec "$@"'
    done = machine.run(
        ["su", "--login", "root", "--command", script, "--", "sh", *words],
        user="root",
        timeout=len(BECOME) * WITHIN,
    )
    assert done.exit_status == 0, done
    return done


def hint_of(result: Result, status: ExitStatus, cause: str) -> str:
    """The command that the one error names."""
    assert result.exit_status == status, result
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: "), result
    assert cause in error
    assert hint.startswith("  hint: "), result
    return hint.removeprefix("  hint: ")


def test_the_hint_for_who_became_another_user_mends_it(machine: Machine) -> None:
    machine.logout()
    machine.run("systemctl stop user@1000.service", user="root")
    file = json.dumps({"apps": [{"name": "a", "script": "sleep", "args": "1000"}]})
    machine.write("/srv/ecosystem.json", file, user="root")

    linger = "sudo loginctl enable-linger tester"
    home = "export HOME=/home/tester"
    for refused in by(machine, APPLY, *BECOME).values():
        assert hint_of(refused, ExitStatus.NO_USER_MANAGER, "lingering is off") == linger
    assert machine.run("ls -A /home/tester/.config", user="root").exit_status != 0

    as_root(machine, *linger.split())
    for way, done in by(machine, APPLY, *BECOME).items():
        if way in KEEP_HOME:
            assert hint_of(done, ExitStatus.FAILED, "HOME is /root in this shell") == home
        else:
            assert done.exit_status == ExitStatus.OK, (way, done)
    for way, done in by(machine, f"{home}; pm2sd status a", *BECOME).items():
        assert done.exit_status == ExitStatus.OK, (way, done)
        assert "online" in done.stdout

    # What runs ends with the manager, and comes back with it.
    machine.run("systemctl stop user@1000.service", user="root")
    (stopped,) = by(machine, "pm2sd stop a", BECOME[0]).values()
    start = hint_of(stopped, ExitStatus.NO_USER_MANAGER, "user@1000.service")
    as_root(machine, *start.split())
    (status,) = by(machine, "pm2sd status a", BECOME[0]).values()
    assert "online" in status.stdout, status


def test_who_uses_sudo_is_told_to_do_without(machine: Machine) -> None:
    machine.write("/etc/sudoers.d/tester", "tester ALL=(ALL) NOPASSWD: ALL\n", "root", "440")
    machine.run("systemctl stop user@0.service user@1001.service", user="root")
    try:
        root = machine.run("sudo pm2sd start sleep", timeout=WITHIN)
        hint = hint_of(root, ExitStatus.NO_USER_MANAGER, "as root through sudo")
        assert hint == "run pm2sd as tester, without sudo"
        other = machine.run("cd /; sudo -u other pm2sd ping", timeout=WITHIN)
        hint = hint_of(other, ExitStatus.NO_USER_MANAGER, "other has no user manager")
        assert machine.run(hint).exit_status == 0
        assert "answers" in machine.run("cd /; sudo -u other pm2sd ping").stdout
    finally:
        machine.run("rm /etc/sudoers.d/tester; loginctl disable-linger other", user="root")
