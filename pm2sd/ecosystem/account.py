"""``uid`` and ``gid``: whose rights an app runs with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity

_OWN_MANAGER_ONLY: Final = ("ready", "health", "alerts", "idle_timeout", "memory_policy")
"""Options whose checks are run by a user's manager; the machine's would run them as root."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose rights an app has; in a user's manager nothing has to be said about it."""

    system: bool = False
    user: str = ""
    group: str = ""


def account(subject: Subject) -> Account:
    """The account of an app; a problem where it cannot have the one that is written.

    A user's manager cannot start processes as anybody else (systemd.exec(5), User=); the machine's
    can. There PM2's default, the user who calls, is whoever called sudo; nothing runs as root
    unless that is written.
    """
    if not subject.machine.system:
        _refuse_others(subject)
        return Account()
    for option in _OWN_MANAGER_ONLY:
        if subject.declared.values.get(option) not in (None, "hard"):
            subject.problem(
                option,
                f"{option} does not work with --system: its checks would run as root",
                hint="leave it out, or run the app from a user's own manager",
            )
    user = _known(subject, "uid") or _caller(subject)
    return Account(True, user, _known(subject, "gid"))


def _caller(subject: Subject) -> str:
    """Who called sudo, where no user is written."""
    if subject.declared.nodes.get("uid") is not None:
        return ""
    user = subject.machine.environ.get("SUDO_USER", "")
    if user in ("", "root"):
        subject.problem(
            "name",
            "with --system an app needs a user to run as",
            hint="write uid: www-data, or another user; uid: root if it has to be root",
        )
        return ""
    subject.note("uid", Fidelity.BETTER, f"it runs as {user}, who called sudo; uid names another")
    return user


def _known(subject: Subject, option: str) -> str:
    """The name of the user or group that an option names; empty after a problem."""
    wanted = subject.declared.values.get(option)
    if wanted in (None, ""):
        return ""
    what, database, look_up = {
        "uid": ("user", "passwd", subject.machine.user_name),
        "gid": ("group", "group", subject.machine.group_name),
    }[option]
    found = look_up(str(wanted))
    if found is None:
        subject.problem(
            option, f"there is no {what} {wanted!r}", hint=f"getent {database} lists them"
        )
    return found or ""


def _refuse_others(subject: Subject) -> None:
    machine = subject.machine
    own = {"uid": (machine.user, machine.uid), "gid": (machine.group, machine.gid)}
    for option, names in own.items():
        wanted = subject.declared.values.get(option)
        if wanted in (None, "", *names):
            continue
        user = option == "uid"
        instead = (
            f"run pm2sd as {wanted}, and leave uid out"
            if user
            else f"leave gid out: the app runs with the groups of {machine.user}"
        )
        subject.problem(
            option,
            f"the systemd manager of user {machine.user} cannot run an app as "
            f"{'user' if user else 'group'} {wanted!r}",
            hint=f"{instead}; or have the machine's manager run it: sudo pm2sd --system apply",
        )
