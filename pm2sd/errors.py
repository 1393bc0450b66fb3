"""What can go wrong, told to people: a message, a place, a hint, an exit status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit statuses of every pm2sd command.

    3 and 4 are those of ``systemctl status`` (not running, no such unit).
    """

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3
    NO_SUCH_APP = 4
    INVALID_CONFIG = 5
    NO_USER_MANAGER = 6
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Location:
    """A place in something the user wrote; lines and columns count from 1.

    ``line`` is None where no text position is known (a value computed by a JavaScript file,
    a command-line flag); ``key`` then says which one is meant, as ``apps[0].instances``.
    """

    file: str
    line: int | None = None
    column: int | None = None
    key: str = ""

    def __str__(self) -> str:
        if self.line is None:
            return f"{self.file}: {self.key}" if self.key else self.file
        return f"{self.file}:{self.line}:{self.column or 1}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in what the user wrote; ``source`` is the line of text it stands on."""

    message: str
    where: Location | None = None
    hint: str | None = None
    source: str | None = None


class Pm2sdError(Exception):
    """An expected failure. It reaches the user as one message, never as a traceback."""

    def __init__(
        self,
        message: str,
        *,
        where: Location | None = None,
        hint: str | None = None,
        code: ExitStatus = ExitStatus.FAILED,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.code = code

    def problems(self) -> tuple[Problem, ...]:
        """What to print, one entry per mistake."""
        return (Problem(self.message, self.where, self.hint),)


class InvalidConfig(Pm2sdError):
    """Every mistake found in one configuration, reported together; exit status 5."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = tuple(problems)
        first = self._problems[0]
        super().__init__(
            first.message, where=first.where, hint=first.hint, code=ExitStatus.INVALID_CONFIG
        )

    def problems(self) -> tuple[Problem, ...]:
        """Every mistake, in the order of the text."""
        return self._problems


class CannotCarry(Pm2sdError):
    """Something of the user's that no unit file can hold, with no way round; exit status 5.

    ``what`` names it ("the variable 'A'"), ``why`` continues the sentence ("holds a NUL byte").
    """

    def __init__(self, what: str, why: str, hint: str | None = None) -> None:
        super().__init__(f"{what} {why}", hint=hint, code=ExitStatus.INVALID_CONFIG)
        self.what = what
        self.why = why


class NoSuchApp(Pm2sdError):
    """A selector that names nothing; exit status 4."""

    def __init__(self, selector: str, *, hint: str | None = None) -> None:
        super().__init__(f"no app matches {selector!r}", hint=hint, code=ExitStatus.NO_SUCH_APP)


class NoUserManager(Pm2sdError):
    """No systemd user manager answers; exit status 6."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint, code=ExitStatus.NO_USER_MANAGER)
