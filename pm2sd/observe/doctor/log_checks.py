"""What is judged about the journal and log files."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from pm2sd.observe.doctor.facts import Facts
from pm2sd.observe.doctor.model import Finding, Status
from pm2sd.systemd.journal import KEEP_ON_DISK

LARGE: Final = 100 << 20
"""The size in bytes from which a log file without rotation is told of."""

_LARGE_JOURNAL: Final = 4 << 30
"""journald's own default never takes more of a disk."""


def journal(facts: Facts) -> Iterator[Finding]:
    """Whether lines can be read, and outlive a reboot."""
    kept = facts.journal
    if not kept.directory:
        yield Finding(
            status=Status.WARN,
            message="there is no journal: what apps print into it is lost",
            hint=KEEP_ON_DISK,
        )
        return
    if not kept.readable and not kept.own and facts.machine.uid != 0:
        yield Finding(
            status=Status.WARN,
            message=f"{facts.machine.user} cannot read the journal: it has no files of the user's",
            hint=f"sudo usermod -aG systemd-journal {facts.machine.user}"
            if kept.persistent
            else KEEP_ON_DISK,
        )
    elif not kept.persistent:
        yield Finding(
            status=Status.WARN,
            message="the journal is in memory: a reboot forgets it",
            hint=KEEP_ON_DISK,
        )
    if facts.events.problem:
        yield Finding(status=Status.WARN, message=facts.events.problem, hint=KEEP_ON_DISK)


def journal_size(facts: Facts) -> Iterator[Finding]:
    """How much the user's journal takes."""
    kept = facts.journal
    if not kept.directory:
        return
    whose = f"{facts.machine.user}'s" if kept.own else "the system's"
    large = kept.size > _LARGE_JOURNAL
    yield Finding(
        status=Status.WARN if large else Status.OK,
        message=f"{whose} journal takes {kept.size >> 20} MiB in {kept.directory}",
        hint="sudo journalctl --vacuum-size=1G; for good: pm2sd journald" if large else "",
    )


def suppressed(facts: Facts) -> Iterator[Finding]:
    """Lines that journald's rate limit dropped."""
    count = facts.events.suppressed
    if count:
        yield Finding(
            status=Status.WARN,
            message=f"journald dropped {count} lines of {facts.machine.user}'s apps within the "
            "last day: its rate limit is one for all of them",
            hint="pm2sd journald raises it; or give the app that prints most an out_file",
        )
    elif count is None:
        yield Finding(
            status=Status.INFO,
            message="whether journald dropped lines cannot be seen: the system's journal tells it",
            hint=f"sudo usermod -aG systemd-journal {facts.machine.user}"
            if facts.journal.directory
            else "",
        )


def log_files(facts: Facts) -> Iterator[Finding]:
    """Files that grow without end."""
    files = {file.path: file.size for app in facts.apps for file in app.log_files}
    if files and max(files.values()) < LARGE:
        total = sum(files.values()) >> 20
        yield Finding(
            status=Status.OK,
            message=f"the apps' {len(files)} log files take {total} MiB together",
        )
    for_good = "a file in /etc/logrotate.d" if facts.machine.system else "pm2sd logrotate"
    for app in facts.apps:
        for file in app.log_files:
            if file.size >= LARGE and not file.rotated:
                yield Finding(
                    status=Status.WARN,
                    app=app.name,
                    message=f"{file.path} has {file.size >> 20} MiB, and nobody rotates it",
                    hint=f"pm2sd flush {quote(app.name)}; for good: {for_good}",
                )
