"""Why there is no user manager: one test a cause, and two real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pm2sd.errors import ExitStatus
from pm2sd.systemd.diagnosis import Facts, diagnose, gather
from tests.systemd.namespace import in_namespace

CASES = {
    "a container": (
        Facts(uid=1000, user="ann", booted=False),
        "PID 1 is something else",
        "podman run --systemd=always",
    ),
    "WSL without systemd": (
        Facts(uid=1000, user="ann", booted=False, wsl=True),
        "WSL was started without it",
        "wsl --shutdown",
    ),
    "sudo pm2sd": (
        Facts(uid=0, user="root", booted=True, sudo_user="ann"),
        "as root through sudo",
        "run pm2sd as ann, without sudo",
    ),
    "sudo -E pm2sd": (
        Facts(
            uid=0,
            user="root",
            booted=True,
            sudo_user="ann",
            runtime_variable="/run/user/1000",
            variable_owner=1000,
        ),
        "as root through sudo",
        "run pm2sd as ann, without sudo",
    ),
    "root on a console that made no session": (
        Facts(uid=0, user="root", booted=True),
        "root has no user manager",
        "sudo loginctl enable-linger root",
    ),
    "sudo -u ann": (
        Facts(uid=1000, user="ann", booted=True, sudo_user="bob"),
        "lingering is off and ann has no login session",
        "sudo loginctl enable-linger ann",
    ),
    "su ann, which keeps root's variable": (
        Facts(
            uid=1000,
            user="ann",
            booted=True,
            runtime_variable="/run/user/0",
            variable_owner=0,
        ),
        "lingering is off",
        "sudo loginctl enable-linger ann",
    ),
    "a variable that leads astray": (
        Facts(
            uid=1000,
            user="ann",
            booted=True,
            runtime_variable="/tmp/elsewhere",
            variable_owner=1000,
            own_directory=True,
            own_manager=True,
        ),
        "no user manager in XDG_RUNTIME_DIR (/tmp/elsewhere), but there is one in /run/user/1000",
        "export XDG_RUNTIME_DIR=/run/user/1000",
    ),
    "lingering, but the manager is down": (
        Facts(uid=1000, user="ann", booted=True, linger=True),
        "user@1000.service is not running",
        "sudo systemctl start user@1000.service",
    ),
    "a session whose manager died": (
        Facts(uid=1000, user="ann", booted=True, own_directory=True),
        "no user manager runs in it (systemctl status user@1000.service says why)",
        "sudo systemctl restart user@1000.service",
    ),
    "a manager that does not answer": (
        Facts(
            uid=1000,
            user="ann",
            booted=True,
            own_directory=True,
            own_manager=True,
            private_socket=True,
            error="no answer within 5 s",
        ),
        "of ann does not answer: no answer within 5 s",
        "systemctl status user@1000.service",
    ),
    "a bus that knows no systemd": (
        Facts(
            uid=1000,
            user="ann",
            booted=True,
            own_directory=True,
            bus_socket=True,
            error="The name is not activatable",
        ),
        "does not lead to a user manager: The name is not activatable",
        "sudo apt install dbus-user-session",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_named_with_its_remedy(case: str) -> None:
    facts, message, hint = CASES[case]
    error = diagnose(facts)
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.code is ExitStatus.NO_USER_MANAGER


def test_the_facts_of_this_process() -> None:
    facts = gather("why", {"XDG_RUNTIME_DIR": "/proc", "SUDO_USER": "ann"})
    assert facts.uid == os.getuid()
    assert facts.booted == Path("/run/systemd/system").is_dir()
    assert (facts.runtime_variable, facts.variable_owner) == ("/proc", 0)
    assert facts.sudo_user == "ann"
    assert facts.error == "why"
    assert gather("", {}).runtime_variable is None


def test_without_systemd_opening_the_bus_fails_at_once() -> None:
    script = (
        "from pm2sd.errors import NoUserManager\n"
        "from pm2sd.systemd.bus import Bus\n"
        "try: Bus.open()\n"
        "except NoUserManager as error: print(int(error.code), error.message, error.hint)\n"
    )
    said = in_namespace("mount -t tmpfs none /run", script)
    assert said.startswith("6 systemd is not running")
