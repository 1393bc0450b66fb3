"""PM2 as it runs on this machine, asked and told through its own command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pm2sd.control.shim import is_ours
from pm2sd.errors import Pm2sdError
from pm2sd.moving.processes import Process, read_processes

# Stopping takes up to twice the kill_timeout of an app, and PM2 stops two at a time.
_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Pm2:
    """The ``pm2`` command of PATH, and the daemon that it talks to.

    ``daemon`` is the daemon's pid; ``home`` is where it keeps its files.
    """

    program: str
    home: Path
    daemon: int

    def processes(self) -> tuple[Process, ...]:
        """What it has in its list. Raises Pm2sdError."""
        return read_processes(self._run("jlist"), "the output of pm2 jlist")

    def stop(self, ids: Sequence[int]) -> None:
        """Stop processes; they stay in the list. Raises Pm2sdError."""
        self._run("stop", *map(str, ids))

    def restart(self, ids: Sequence[int]) -> None:
        """Start processes again. Raises Pm2sdError."""
        self._run("restart", *map(str, ids))

    def save(self) -> None:
        """Write the list to the dump, which is started at boot. Raises Pm2sdError."""
        self._run("save")

    def _run(self, *arguments: str) -> str:
        """The output of a command. A process group of its own keeps Ctrl-C from it."""
        # Without the options that PM2 would take from a process it started itself.
        environ = {k: v for k, v in os.environ.items() if k != "pm_id"}
        environ |= {"PM2_HOME": str(self.home), "PM2_DISCRETE_MODE": "true"}
        try:
            done = subprocess.run(
                [self.program, "--no-color", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environ,
                timeout=_SECONDS,
                process_group=0,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Pm2sdError(f"pm2 {arguments[0]} failed: {error}") from error
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
            why = said[-1] if said else f"exit status {done.returncode}"
            raise Pm2sdError(f"pm2 {' '.join(arguments)} failed: {why}")
        return done.stdout.decode(errors="replace")


def pm2_home(environ: Mapping[str, str] = os.environ) -> Path:
    """PM2's directory (lib/constants.js and paths.js of PM2)."""
    return Path(environ.get("PM2_HOME") or Path(environ.get("HOME") or Path.home(), ".pm2"))


def dump_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What ``pm2 save`` writes."""
    return Path(environ.get("PM2_DUMP_FILE_PATH") or pm2_home(environ) / "dump.pm2")


def running_pm2(environ: Mapping[str, str] = os.environ) -> Pm2:
    """The PM2 that runs here. It is never started: every command of its own would do that.

    Raises Pm2sdError where its daemon does not run, or its command is not in PATH.
    """
    home = pm2_home(environ)
    daemon = _daemon(Path(environ.get("PM2_PID_FILE_PATH") or home / "pm2.pid"))
    if daemon is None:
        saved = dump_file(environ)
        hint = f"pm2sd import {saved} reads what it saved" if saved.is_file() else None
        raise Pm2sdError(f"PM2 does not run for this user (PM2_HOME is {home})", hint=hint)
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        program = shutil.which("pm2", path=directory)
        if program and not is_ours(Path(program)):
            return Pm2(program, home, daemon)
    raise Pm2sdError(
        f"PM2 runs (pid {daemon}), but its pm2 command is not in PATH",
        hint="put its directory into PATH, for instance with nvm use",
    )


def _daemon(pid_file: Path) -> int | None:
    """The pid of the daemon that wrote the file, if it is alive; pids are used again."""
    try:
        pid = int(pid_file.read_text())
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"God Daemon" in title else None
