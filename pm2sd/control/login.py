"""The environment that the user gets by logging in."""

from __future__ import annotations

import os
import pwd
import subprocess
from posixpath import basename
from typing import Final

_SECONDS = 5.0
_MARK = "-- pm2sd: the environment --"
# Many people's variables are set in files that only an interactive shell reads.
_INTERACTIVE: Final = frozenset({"bash", "zsh"})


def login_environment() -> dict[str, str]:
    """What a fresh login shell has in its environment; empty where it cannot be had.

    The user's shell is started as a login shell, which runs the user's profile, and given some
    seconds.
    """
    user = pwd.getpwuid(os.getuid())
    shell = user.pw_shell or "/bin/sh"
    flags = ["-l", "-i"] if basename(shell) in _INTERACTIVE else ["-l"]
    fresh = {
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": shell,
        "TERM": "dumb",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    try:
        done = subprocess.run(
            [shell, *flags, "-c", f"printf '%s\\n' '{_MARK}'; exec env -0"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=fresh,
            cwd="/",
            timeout=_SECONDS,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    _, mark, environment = done.stdout.rpartition(f"{_MARK}\n".encode())
    if not mark:
        return {}
    pairs = (entry.partition(b"=") for entry in environment.split(b"\0") if entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
