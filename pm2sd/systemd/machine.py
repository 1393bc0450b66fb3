"""The machine, as ``pm2sd.ecosystem.machine`` asks about it."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import scope

_MANAGER: Final = "/usr/lib/systemd/systemd"
_SECONDS: Final = 10.0


class ThisMachine:
    """Implements ``pm2sd.ecosystem.machine.Machine`` for this process and its user."""

    __slots__ = ("cwd", "environ", "gid", "group", "home", "system", "target", "uid", "user")

    def __init__(
        self, environ: Mapping[str, str] = os.environ, *, target: int | None = None
    ) -> None:
        """Raises Pm2sdError where the working directory was removed."""
        self.uid, self.gid = os.getuid(), os.getgid()
        try:
            entry = pwd.getpwuid(self.uid)
            self.user, home = entry.pw_name, entry.pw_dir
        except KeyError:
            self.user, home = str(self.uid), "/"
        try:
            self.group = grp.getgrgid(self.gid).gr_name
        except KeyError:
            self.group = str(self.gid)
        self.system = scope.system
        self.target = target
        self.environ: Mapping[str, str] = dict(environ)
        self.home = environ.get("HOME") or home
        try:
            self.cwd = str(Path.cwd())
        except FileNotFoundError as error:
            raise Pm2sdError("the current directory was removed", hint="cd ~") from error

    def is_calendar_event(self, text: str) -> bool:
        """Whether systemd-analyze takes the text; where there is none, whatever it is."""
        command = ["systemd-analyze", "calendar", "--", text]
        try:
            done = subprocess.run(command, capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return True
        return done.returncode == 0

    def user_name(self, name_or_uid: str) -> str | None:
        """The name of the user of that name or number, None where there is none."""
        try:
            if name_or_uid.isdecimal():
                return pwd.getpwuid(int(name_or_uid)).pw_name
            return pwd.getpwnam(name_or_uid).pw_name
        except KeyError:
            return None

    def group_name(self, name_or_gid: str) -> str | None:
        """The name of the group of that name or number, None where there is none."""
        try:
            if name_or_gid.isdecimal():
                return grp.getgrgid(int(name_or_gid)).gr_name
            return grp.getgrnam(name_or_gid).gr_name
        except KeyError:
            return None

    def cpu_count(self) -> int:
        """How many CPUs this process may run on."""
        return len(os.sched_getaffinity(0))

    def which(self, program: str, path: str | None = None) -> str | None:
        """The absolute path of a program on ``path``, by default that of the environment."""
        found = shutil.which(program, path=self.environ.get("PATH") if path is None else path)
        return str(Path(self.cwd, found)) if found else None

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file, symbolic links followed."""
        return _ask(Path(path).is_file)

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory, symbolic links followed."""
        return _ask(Path(path).is_dir)

    def is_executable(self, path: str) -> bool:
        """Whether there is a file that this user may execute."""
        return self.is_file(path) and os.access(path, os.X_OK)

    def directives(self, section: str) -> frozenset[str]:
        """The directives of a section, as the manager's own program lists them."""
        return _directives().get(section, frozenset())

    def gains_privileges(self, path: str) -> bool:
        """Whether the file is setuid or setgid, or has capabilities (capabilities(7))."""
        try:
            if Path(path).stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
                return True
            os.getxattr(path, "security.capability")
        except (OSError, ValueError):
            return False
        return True

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a regular file; empty where it cannot be read."""
        if not self.is_file(path):
            return b""
        try:
            with Path(path).open("rb") as file:
                return file.read(size)
        except OSError:
            return b""

    def read(self, path: str) -> bytes | None:
        """A regular file; None where there is none, or it cannot be read."""
        if not self.is_file(path):
            return None
        try:
            return Path(path).read_bytes()
        except OSError:
            return None

    def list_directory(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; empty where it cannot be read."""
        try:
            return tuple(sorted(entry.name for entry in Path(path).iterdir()))
        except (OSError, ValueError):
            return ()


@cache
def _directives() -> Mapping[str, frozenset[str]]:
    """The directives by section; empty where the program is elsewhere or does not answer."""
    try:
        listed = subprocess.run(
            [_MANAGER, "--dump-configuration-items"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    sections: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in listed.stdout.splitlines():
        name, equals, _ = line.partition("=")
        if equals:
            current.add(name)
        elif line.startswith("["):
            current = sections.setdefault(line.strip("[]"), set())
    return {section: frozenset(names) for section, names in sections.items()}


def _ask(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (OSError, ValueError):  # a directory that may not be entered; a NUL in the path
        return False
