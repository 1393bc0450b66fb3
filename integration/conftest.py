"""Fixtures of the tests against a real user manager; the types are in harness.py."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.harness import Pm2sd, Project, systemctl
from integration.pm2 import BINARY, Pm2
from integration.web import Web


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Gives all tests of one of vm/'s machines to one worker, which boots it once; first of all.

    (xdist has --dist=loadgroup for that; its 3.8 forgets the groups under pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByMachine(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            machine = re.search(r"^integration/vm/.*\[(?:.*-)?(debian\d+)\b", nodeid)
            return machine[1] if machine else nodeid

        # Where a worker dies, xdist 3.8 waits for ever (its issues 1323, 1327 and 1378): the tests
        # that it had done are handed out again, as nothing to do, and so is the one it died of; and
        # its successor begins only when a second test is handed to it.

        def remove_node(self, node: object) -> str | None:
            units = self.assigned_work.pop(node).items()
            left = [(scope, test) for scope, unit in units for test in unit if not unit[test]]
            for scope, test in left[1:]:
                self.workqueue.setdefault(scope, {})[test] = False
            for other in self.nodes:
                self._reschedule(other)
            return left[0][1] if left else None

        def schedule(self) -> None:
            super().schedule()
            for node in self.nodes if self.collection else ():
                self._reschedule(node)

    return ByMachine(config, log)


@pytest.fixture(scope="session", autouse=True)
def user_manager() -> None:
    """Skips the tests where no systemd user manager answers. In the sandbox that is a failure."""
    state = systemctl("is-system-running")
    if os.getuid() == 0:
        problem = "root has no user manager of its own"
    elif state.stdout.strip() in ("running", "degraded"):
        return
    else:
        problem = f"no systemd user manager answers: {(state.stdout + state.stderr).strip()}"
    if os.environ.get("PM2SD_SANDBOX"):
        pytest.fail(problem, pytrace=False)
    pytest.skip(f"{problem}; run the tests with `make test` or integration/sandbox")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A directory and a prefix for names; what the test applied is removed after it."""
    project = Project(tmp_path)
    yield project
    project.clean_up()


@pytest.fixture
def pm2sd(project: Project) -> Pm2sd:
    """The command line; `pm2sd("status", "--json").json`."""
    return Pm2sd(project)


@pytest.fixture
def web(pm2sd: Pm2sd, project: Project) -> Web:
    """A cluster that can be broken, not applied yet."""
    return Web(pm2sd, project)


@pytest.fixture
def pm2(tmp_path: Path) -> Iterator[Pm2]:
    """A real PM2 with nothing in it; its daemon and apps end with the test."""
    if not BINARY.exists():
        pytest.skip("PM2 is not there to compare with; `make pm2` fetches it")
    pm2 = Pm2(tmp_path / "pm2_home")
    yield pm2
    pm2("kill")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests measured: `record_property("boot to app answering", "7 s")`."""
    for report in terminalreporter.getreports("passed"):
        for what, measured in report.user_properties:
            terminalreporter.write_line(f"{what}: {measured}")
