"""What tests against a real user manager share; the fixtures are in conftest.py."""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pm2sd.systemd.paths import runtime_directory, runtime_unit_directory, unit_directory

T = TypeVar("T")

APPS = Path(__file__).parent / "apps"
POLL_SECONDS = 0.02
PATIENCE = 30.0
"""Seconds in which what must happen does, on a machine that is busy with other tests, too."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it wrote."""

    exit_status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The standard output as JSON."""
        return json.loads(self.stdout)


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    input: str | bytes = b"",  # noqa: A002 (subprocess's name)
    timeout: float = 120,
) -> Result:
    """Runs a command to its end; `env` changes the environment, None removes a variable.

    Raises subprocess.TimeoutExpired, with what was written so far, after `timeout` seconds.
    """
    environ = {
        name: value for name, value in {**os.environ, **(env or {})}.items() if value is not None
    }
    done = subprocess.run(
        [os.fspath(word) for word in command],
        cwd=cwd,
        env=environ,
        input=input.encode() if isinstance(input, str) else input,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return Result(
        done.returncode,
        done.stdout.decode("utf-8", "surrogateescape"),
        done.stderr.decode("utf-8", "surrogateescape"),
    )


def systemctl(*arguments: str) -> Result:
    """`systemctl --user`, the second opinion on what pm2sd says."""
    return run("systemctl", "--user", "--no-pager", *arguments)


def properties(unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit as `systemctl --user show` prints them."""
    shown = systemctl("show", *(f"--property={name}" for name in names), "--", unit)
    assert shown.exit_status == 0, shown
    return dict(line.split("=", 1) for line in shown.stdout.splitlines())


def eventually(predicate: Callable[[], T], timeout: float = PATIENCE) -> T:
    """The first true value of `predicate`, asked again and again for `timeout` seconds.

    An AssertionError or OSError it raises means "not yet"; the last one is raised in the end.
    """
    deadline = time.monotonic() + timeout
    while True:
        problem: Exception | None = None
        try:
            value = predicate()
            if value:
                return value
        except (AssertionError, OSError) as error:
            problem = error
        if time.monotonic() >= deadline:
            raise problem or AssertionError(f"still {value!r} after {timeout:g} s")
        time.sleep(POLL_SECONDS)


def kill(pid: int) -> None:
    """Sends SIGKILL to a process."""
    assert pid > 0, "no process: 0 would be all of this one's group, the other sandboxes too"
    os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A port of the loopback interface that nobody has, below those that the kernel gives away.

    So none of the connections that are made meanwhile can take it before the test does.
    """
    while True:
        with (
            suppress(OSError),
            socket.create_server(("127.0.0.1", random.randint(10_000, 32_000))) as one,
        ):
            return int(one.getsockname()[1])


def as_root(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Result:
    """Runs a command as root, in the environment of a login; only the sandbox lets one do so."""
    line = shlex.join(["env", *(f"{k}={v}" for k, v in (env or {}).items()), *map(str, words)])
    script = (
        f"cd {shlex.quote(str(cwd))}; export HOME=/root PATH=/usr/local/bin:/usr/bin:/bin\n"
        f"err=$(mktemp); {line} </dev/null 2>$err\nstatus=$?; printf '\\0'; cat $err\n"
        "printf '\\0%d' $status\n"
    )
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(120)
        door.connect("/run/as-root")
        door.sendall(script.encode())
        door.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: door.recv(65536), b"")).decode()
    out, err, status = said.split("\0")
    return Result(int(status), out, err)


@dataclass(frozen=True, slots=True)
class Project:
    """A directory of its own, and a word that is part of every name that a test gives."""

    path: Path
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}")

    def name(self, name: str = "app") -> str:
        """An app or namespace name that no other test has."""
        return f"{self.prefix}_{name}"

    def ecosystem(self, content: object, file: str = "ecosystem.yaml") -> Path:
        """Writes an ecosystem file: text as it is, anything else as JSON, which YAML can hold.

        A list is taken for the apps.
        """
        if isinstance(content, list):
            content = {"apps": content}
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        return self.write(file, text)

    def write(self, file: str, text: str | bytes) -> Path:
        """Writes a file below the directory."""
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def script(self, app: str) -> str:
        """The absolute path of one of integration/apps."""
        path = APPS / app
        assert path.is_file(), f"there is no {path}"
        return str(path)

    def unit_files(self) -> list[Path]:
        """The unit files, drop-ins and links of this project's names, in the user's directory.

        The prefix is of letters and digits, so it survives every escaping of a name.
        """
        return sorted(
            path
            for path in unit_directory().rglob("*")
            if self.prefix in path.name and (path.is_symlink() or path.is_file())
        )

    def clean_up(self) -> None:
        """Ends and removes whatever runs, is written or noted under this project's names."""
        units = f"*{self.prefix}*"
        # First the signal that nothing can ignore: a test should not wait for a kill_timeout.
        systemctl("stop", "--no-block", "--", units)
        systemctl("kill", "--signal=KILL", "--", units)
        systemctl("stop", "--", units)
        systemctl("reset-failed", "--", units)
        self._forget_notes()
        if self._remove_files():
            systemctl("daemon-reload")

    def _forget_notes(self) -> None:
        """What a killed command has left undone; else the next one would bring the apps back."""
        for path in runtime_directory().glob("*.json"):
            note = json.loads(path.read_bytes())
            left = {name: what for name, what in note.items() if self.prefix not in name}
            if not left:
                path.unlink()
            elif left != note:
                path.write_text(json.dumps(left))

    def _remove_files(self) -> bool:
        places = (unit_directory(), runtime_unit_directory())
        found = [path for at in places for path in at.rglob("*") if self.prefix in path.name]
        for path in found:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return bool(found)


@dataclass(frozen=True, slots=True)
class Pm2sd:
    """The real command line, as a process, in the project's directory."""

    project: Project

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | bytes = b"",  # noqa: A002
        timeout: float = 120,
    ) -> Result:
        """Runs `pm2sd ARGUMENTS...` to its end; see `run`."""
        return run(
            *self.command(*arguments),
            cwd=cwd or self.project.path,
            env=env,
            input=input,
            timeout=timeout,
        )

    def command(self, *arguments: str | Path) -> list[str]:
        """The argument vector, for a test that starts the process itself."""
        return [sys.executable, "-m", "pm2sd", *(os.fspath(word) for word in arguments)]
