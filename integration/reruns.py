"""A second attempt for tests that failed, and a time limit for each: run-tests' plugin for pytest.

pytest-rerunfailures and pytest-timeout do both; this makes them work together, and in sandboxes.
"""

from __future__ import annotations

import signal
from collections.abc import Generator

import pytest
import pytest_rerunfailures
from pytest_timeout import Settings

# It would have all workers talk to the process outside over 127.0.0.1, to run tests again after a
# worker's death; that address is another one in each sandbox. (xdist's scheduler by scope, which
# conftest.py uses, cannot do that anyway: the test that the worker died of fails.)
pytest_rerunfailures.HAS_PYTEST_HANDLECRASHITEM = False

VM_SECONDS = 600  # some boot a machine more than once, with a fifth of a processor for it
AGAIN_SECONDS = 30.0
LIMIT = pytest.StashKey[Settings]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the tests on whole machines more time."""
    for item in items:
        if item.nodeid.startswith("integration/vm/"):
            item.add_marker(pytest.mark.timeout(VM_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(
    item: pytest.Item, settings: Settings
) -> Generator[None, object, object]:
    """Has the clock strike again and again: what a test does when it fails may hang as well.

    (Leaving ``with subprocess.Popen(...)`` waits for the process.)
    """
    item.stash[LIMIT] = settings
    set_by_pytest_timeout = yield
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN_SECONDS)
    return set_by_pytest_timeout


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Starts the clock anew: the first failure of a test ends pytest-timeout's."""
    _start_clock(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Starts it for what cleans up, too, which has as long again."""
    _start_clock(item)


def _start_clock(item: pytest.Item) -> None:
    if settings := item.stash.get(LIMIT, None):
        item.ihook.pytest_timeout_cancel_timer(item=item)
        item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
