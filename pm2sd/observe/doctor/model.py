"""What the doctor's checks take and give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pm2sd.observe.doctor.facts import AppFacts, Facts


class Status(StrEnum):
    """How bad a finding is. ``FAIL``: something does not work now; ``WARN``: it may not, later.

    ``INFO`` is neither good nor bad.
    """

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"


Cure: TypeAlias = Literal["daemon-reload", "reset-failed", "enable-linger", "chmod", "remove-units"]
"""What ``doctor --fix`` can do: control/doctor.py."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Something that may be done without asking; ``subjects`` are units, paths or a user."""

    cure: Cure
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check has to say, in one line; ``hint`` is the command that mends it.

    ``app`` is empty where it is about the machine. ``details`` are further lines.
    """

    status: Status
    message: str
    app: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    fix: Fix | None = None


def of_each_app(
    judge: Callable[[AppFacts], Iterable[Finding]],
) -> Callable[[Facts], Iterator[Finding]]:
    """The judgement over all apps that is made of one over a single app."""

    @wraps(judge)
    def judged(facts: Facts) -> Iterator[Finding]:
        for app in facts.apps:
            for finding in judge(app):
                yield replace(finding, app=app.name)

    return judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row of the table of checks.

    ``looks`` says what is looked at, ``bad`` when it warns or fails, ``mends`` what ``--fix`` does.
    ``good`` is the line of a check that found nothing. ``of_apps``: it is of the apps that are
    looked at; ``of_users``: of a user's own manager, so that ``--system`` passes it over. ``needs``
    says without what it is passed over: a booted systemd, or a manager that answers.
    """

    id: str
    looks: str
    bad: str
    good: str
    judge: Callable[[Facts], Iterable[Finding]]
    mends: str = ""
    of_apps: bool = False
    of_users: bool = False
    needs: Literal["", "systemd", "manager"] = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A finding and the check it is of."""

    check: str
    finding: Finding
