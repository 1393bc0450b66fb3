"""A whole Debian machine under User-mode Linux: a process of ours, without root and without KVM.

Its disk is a copy-on-write layer over an image of `integration/vm/build`. It has one processor, no
network but its loopback, and the checkout, read only, at /src. See guest.py for the other end.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Result

CHECKOUT = Path(__file__).parents[2]
RELEASES = {"12": 252, "13": 257}  # of Debian, with its version of systemd
BOOT_SECONDS = PATIENCE = 180  # of a machine that has a fifth of a processor
PIECE_BYTES = 2048  # what may be on the way at once: see guest.py
KERNEL = "linux.uml"


class MachineLost(Exception):
    """The machine ended, or did not answer in time, and is off; with the end of its console."""


def only(release: str) -> pytest.MarkDecorator:
    """Runs a test on one release, where the other would show nothing more."""
    return pytest.mark.parametrize("booted", [release], indirect=True, ids=[f"debian{release}"])


def missing(release: str) -> str:
    """What keeps a machine from being booted here, in a sentence; "" if nothing does."""
    if not shutil.which(KERNEL):
        return f"there is no {KERNEL}; `make vm` installs it"
    if not image(release).exists():
        return f"there is no {image(release).name}; `make vm` makes it"
    return ""


def image(release: str) -> Path:
    """The disk that machines of a release begin with."""
    return CHECKOUT / ".vm" / f"{release}.img"


@dataclass(slots=True)
class Machine:
    """One machine, with pm2sd installed, and the users tester (who may not sudo) and other.

    ``uptime`` is the guest's age in seconds when it began to answer after its last boot.
    """

    release: str
    directory: Path
    memory: str = "768M"
    uptime: float = field(default=0, init=False)
    _kernel: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _requests: int = field(default=-1, init=False)
    _answers: int = field(default=-1, init=False)
    _unread: bytes = field(default=b"", init=False)
    _sockets: str = field(default="", init=False)

    @property
    def is_on(self) -> bool:
        """Whether it has been booted, and neither switched off nor lost since."""
        return self._kernel is not None

    @property
    def systemd(self) -> int:
        """The version of systemd."""
        return RELEASES[self.release]

    def boot(self) -> None:
        """Switches it on, and waits until it answers. The first boot installs pm2sd."""
        assert self._kernel is None, "it is on already"
        first = not self._disk.exists()
        theirs_in, self._requests = os.pipe()
        self._answers, theirs_out = os.pipe()
        self._unread = b""
        # Where the kernel has a Unix socket, whose path may have 107 bytes: TMPDIR's may be longer.
        self._sockets = tempfile.mkdtemp(prefix="pm2sd-vm.", dir="/tmp")
        with self._console.open("ab") as console:
            self._kernel = subprocess.Popen(
                [
                    KERNEL,
                    f"umid=pm2sd-{os.getpid()}-{self.release}",
                    f"uml_dir={self._sockets}",
                    f"mem={self.memory}",
                    # t: no trim. With it, the layer's bitmap loses what was zeroed in one go,
                    # and after a reboot what was written there since.
                    f"ubdat={self._disk},{image(self.release)}",
                    *("root=/dev/ubda", "rw", "init=/usr/lib/systemd/systemd"),
                    *("con=null", "con0=null,fd:1", "ssl=null"),
                    f"ssl0=fd:{theirs_in},fd:{theirs_out}",
                    f"hostfs={CHECKOUT}",
                    *("quiet", "systemd.show_status=no"),
                ],
                env={**os.environ, "TMPDIR": "/dev/shm"},  # where its memory is, as a file
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs_in, theirs_out),
                start_new_session=True,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            self.uptime = self._answer(BOOT_SECONDS)["uptime"]
            if first:
                self._install()
        except BaseException:
            self.power_cut()
            if first:
                self._disk.unlink(missing_ok=True)
            raise

    def run(
        self,
        command: str | Sequence[str],
        user: str = "tester",
        input: str = "",  # noqa: A002 (subprocess's name)
        timeout: float = PATIENCE,
    ) -> Result:
        """Runs a shell command, or an argument vector, to its end.

        As root it runs in a system service. The first command of another user after a boot opens a
        PAM session, which lasts until `logout`; the user's manager is up then. What a command
        leaves in the background is not waited for.
        Raises subprocess.TimeoutExpired after ``timeout`` seconds, when the command is killed.
        """
        argv = ["bash", "-c", command] if isinstance(command, str) else list(command)
        answer = self._ask(
            {"argv": argv, "user": user, "input": input, "timeout": timeout}, timeout + 30
        )
        if answer["timed_out"]:
            raise subprocess.TimeoutExpired(argv, timeout, answer["stdout"], answer["stderr"])
        return Result(answer["status"], answer["stdout"], answer["stderr"])

    def write(self, path: str, text: str, user: str = "tester", mode: str = "644") -> None:
        """Writes a file, and the directories above it, as a user (relative: to the home)."""
        script = 'mkdir -p "$(dirname "$0")" && cat >"$0" && chmod "$1" "$0"'
        done = self.run(["bash", "-c", script, path, mode], user=user, input=text)
        assert done.exit_status == 0, done

    def logout(self, user: str = "tester") -> None:
        """Ends the session that `run` opened for a user."""
        self._ask({"logout": user}, 30)

    def power_off(self) -> None:
        """Shuts it down as one should."""
        assert self._kernel
        self._send({"argv": ["systemctl", "poweroff"], "user": "root", "input": "", "timeout": 60})
        try:
            self._kernel.wait(BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            raise MachineLost(f"it does not switch itself off\n{self._last_words()}") from None
        finally:
            self.power_cut()

    def power_cut(self) -> None:
        """Ends it in an instant: what its kernel has not written to the disk yet is lost."""
        if self._kernel:
            with suppress(ProcessLookupError):
                os.killpg(self._kernel.pid, signal.SIGKILL)
            self._kernel.wait()
            os.close(self._requests)
            os.close(self._answers)
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._kernel = None

    def reboot(self) -> None:
        """Shuts it down and switches it on again, with the same disk."""
        self.power_off()
        self.boot()

    def replace(self) -> None:
        """Throws the machine away, its disk with it, and boots another one."""
        self.power_cut()
        self._disk.unlink(missing_ok=True)
        self.boot()

    def renew(self) -> None:
        """Ends whatever the user tester runs, and empties the home; boots it if it is lost.

        The journal, what a test did as root, and the machine's age stay.
        """
        with suppress(MachineLost):
            if self.is_on:
                self.logout()
        if not self.is_on:
            self.boot()
        done = self.run(
            "loginctl disable-linger tester; loginctl terminate-user tester;"
            " systemctl stop user@$(id -u tester).service; pkill -KILL -u tester;"
            " find ~tester -mindepth 1 -delete && cp -rT /etc/skel ~tester &&"
            " chown -R tester: ~tester",
            user="root",
        )
        assert done.exit_status == 0, done

    @property
    def _disk(self) -> Path:
        return self.directory / "disk.cow"

    @property
    def _console(self) -> Path:
        return self.directory / "console.txt"

    def _install(self) -> None:
        done = self.run(
            "cp -r /src/pm2sd /src/unit_templates /usr/local/lib/pm2sd/ &&"
            " find /usr/local/lib/pm2sd -name __pycache__ -prune -exec rm -r {} + &&"
            " /opt/pm2sd/bin/python -m compileall -q /usr/local/lib/pm2sd",
            user="root",
        )
        assert done.exit_status == 0, done

    def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            self._send(request)
            return self._answer(timeout)
        except BaseException:  # what it answered later would be taken for the next one's answer
            self.power_cut()
            raise

    def _send(self, request: dict[str, Any]) -> None:
        text = json.dumps(request).encode()
        try:
            while len(text) > PIECE_BYTES:
                os.write(self._requests, text[:PIECE_BYTES] + b"\\\n")
                text = text[PIECE_BYTES:]
                self._line(30)
            os.write(self._requests, text + b"\n")
        except BrokenPipeError:
            raise MachineLost(f"it is off\n{self._last_words()}") from None

    def _answer(self, timeout: float) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._line(timeout))
        return answer

    def _line(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        while b"\n" not in self._unread:
            left = max(0, deadline - time.monotonic())
            ready, _, _ = select.select([self._answers], [], [], left)
            received = os.read(self._answers, 1 << 16) if ready else b""
            if not received:
                problem = "it ended" if ready else f"no answer in {timeout:g} s"
                raise MachineLost(f"{problem}\n{self._last_words()}")
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _last_words(self) -> str:
        return "\n".join(self._console.read_text(errors="replace").splitlines()[-30:])
