"""What the tests of the preload share; the fixtures are in conftest.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

MACHINES_OWN = "the machine's own"
"""In place of a version of Node, the one in PATH."""
VERSIONS = (MACHINES_OWN, "18", "24")
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A listening socket as systemd would hold it."""

    held: socket.socket

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.held.getsockname()[1])

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        """A client's connection, which gives up after some seconds."""
        return socket.create_connection((host, self.port), SECONDS)


class App:
    """A Node process; `said` and `complained` read what it writes, line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def said(self) -> str:
        """The next line of its standard output, empty at the end."""
        return self._line(self.process.stdout)

    def complained(self) -> str:
        """The next line of its standard error, empty at the end."""
        return self._line(self.process.stderr)

    def _line(self, stream: IO[bytes] | None) -> str:
        assert stream
        giving_up = threading.Timer(SECONDS, self.kill)
        giving_up.start()
        try:
            return stream.readline().decode().rstrip("\n")
        finally:
            giving_up.cancel()

    def tell(self, line: str = "") -> None:
        """Writes a line to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())

    def kill(self) -> None:
        """Ends it with all that it started; the process leads a group of its own."""
        with suppress(ProcessLookupError):
            self.signal_all(signal.SIGKILL)

    def signal_all(self, number: signal.Signals) -> None:
        """Sends a signal to it and all that it started, as systemd does."""
        os.killpg(self.process.pid, number)

    def end(self, with_signal: signal.Signals | None = None) -> tuple[int, str, str]:
        """Exit status, the rest of stdout and stderr; after a signal, if one is given."""
        if with_signal:
            self.process.send_signal(with_signal)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out.decode(), err.decode()


Run = Callable[..., App]
Listening = Callable[..., Server]
