"""The machines that tests boot; see machine.py for what they can do."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from integration.vm.machine import RELEASES, Machine, missing


@pytest.fixture(scope="session", autouse=True)
def user_manager() -> None:
    """These tests bring their own systemd: nothing is asked of this machine's."""


@pytest.fixture(scope="session", params=RELEASES, ids="debian{}".format)
def booted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A machine of each release, shared by all tests, which the first boots; gone after them."""
    problem = missing(request.param)
    if problem and os.environ.get("PM2SD_SANDBOX"):
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem)
    machine = Machine(request.param, tmp_path_factory.mktemp(f"debian{request.param}"))
    try:
        yield machine
    finally:
        machine.power_cut()


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, booted: Machine) -> Iterator[Machine]:
    """The machine, shared by the tests of a file; as new after them, but for its logs.

    A file that says so, because its tests break a machine in many ways, leaves another one behind.
    """
    yield booted
    if getattr(request.module, "BREAKS_THE_MACHINE", False):
        booted.replace()
    else:
        booted.renew()


@pytest.fixture(autouse=True)
def switched_on(request: pytest.FixtureRequest, machine: Machine) -> None:
    """Boots the machine where it is off: before the first test, and after one that lost it.

    The second attempt of a test (reruns.py) gets another one: nobody knows what the first has left
    behind, as root perhaps. (This is a fixture of each test because a failure in one that tests
    share would not leave it to be set up properly once more.)
    """
    if getattr(request.node, "execution_count", 1) > 1:
        machine.replace()
    elif not machine.is_on:
        machine.boot()
