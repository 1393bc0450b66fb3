from __future__ import annotations

import os

from pm2sd.ecosystem.app import App
from pm2sd.observe.environment import MASK, declared, outdated

APP = App(
    name="a",
    script="a.sh",
    command=("/bin/sh", "a.sh"),
    cwd="/",
    instances=2,
    env={"PORT": "8000", "GREETING": "hello"},
    secrets={"TOKEN": "hunter2"},
    increment_var="PORT",
)


def test_an_instances_own_variables_are_filled_in_and_secrets_masked() -> None:
    assert declared(APP, 1) == {
        "GREETING": "hello",
        "NODE_APP_INSTANCE": "1",
        "PORT": "8001",
        "TOKEN": MASK,
    }
    assert "hunter2" not in str(declared(APP, 0))


def test_what_a_process_was_started_without_is_told() -> None:
    path = os.environ["PATH"]
    assert outdated(os.getpid(), {"PATH": path, "TOKEN": MASK}) == ()
    changed = {"PATH": f"{path}:/new", "PM2SD_TEST_NEW": ""}
    assert outdated(os.getpid(), changed) == ("PATH", "PM2SD_TEST_NEW")


def test_a_process_that_cannot_be_read_is_not_judged() -> None:
    assert outdated(0, {"A": "1"}) == ()
