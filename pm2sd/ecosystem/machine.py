"""What resolving an app asks of the machine; the answers come from ``pm2sd.systemd.machine``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Machine(Protocol):
    """A read-only view of the machine that pm2sd runs on.

    ``system`` says that its own manager is to run the apps, not that of a user. ``target`` is the
    version of systemd that another machine has, where the apps are for that one.
    """

    home: str
    cwd: str
    user: str
    uid: int
    group: str
    gid: int
    system: bool
    target: int | None
    environ: Mapping[str, str]

    def is_calendar_event(self, text: str) -> bool:
        """Whether systemd takes a text for a calendar event (systemd.time(7))."""

    def user_name(self, name_or_uid: str) -> str | None:
        """The name of the user of that name or number, None where there is none."""

    def group_name(self, name_or_gid: str) -> str | None:
        """The name of the group of that name or number, None where there is none."""

    def cpu_count(self) -> int:
        """How many CPUs this user may use (the scheduler's affinity, not the machine's total)."""

    def which(self, program: str, path: str | None = None) -> str | None:
        """The absolute path of a program on ``path`` (default: the environment's PATH), or None."""

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file."""

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory."""

    def is_executable(self, path: str) -> bool:
        """Whether this user may execute the file."""

    def directives(self, section: str) -> frozenset[str]:
        """The directives that systemd knows in a section of a unit; empty where it does not say."""

    def gains_privileges(self, path: str) -> bool:
        """Whether executing the file gives privileges: setuid, setgid, or file capabilities."""

    def head(self, path: str, size: int) -> bytes:
        """The first ``size`` bytes of a file; empty where it cannot be read."""

    def read(self, path: str) -> bytes | None:
        """The whole of a regular file; None where it cannot be read."""

    def list_directory(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; empty where it cannot be read."""
