"""``uid`` and ``gid``: whose rights an app runs with."""

from __future__ import annotations

from pm2sd.ecosystem.subject import Subject


def check_account(subject: Subject) -> None:
    """A problem for every user or group that is not the one pm2sd runs as.

    A user's manager cannot start processes as anybody else (systemd.exec(5), User=).
    """
    machine = subject.machine
    own = {"uid": (machine.user, machine.uid), "gid": (machine.group, machine.gid)}
    for option, names in own.items():
        wanted = subject.declared.values.get(option)
        if wanted in (None, "", *names):
            continue
        user = option == "uid"
        subject.problem(
            option,
            f"the systemd manager of user {machine.user} cannot run an app as "
            f"{'user' if user else 'group'} {wanted!r}",
            hint=f"run pm2sd as {wanted}, and leave uid out"
            if user
            else f"leave gid out: the app runs with the groups of {machine.user}",
        )
