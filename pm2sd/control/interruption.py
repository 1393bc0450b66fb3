"""Ctrl-C, a lost terminal and a polite kill, while something must not be left halfway."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _handled(handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def interruptible() -> Any:
    """Within it each of the signals raises KeyboardInterrupt."""
    return _handled(_interrupt)


def uninterrupted() -> Any:
    """Within it the signals do nothing: a way back must be gone to its end."""
    return _handled(signal.SIG_IGN)


@contextmanager
def deferred() -> Iterator[None]:
    """Within it the signals wait: what was asked of somebody else is seen to its end first."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
