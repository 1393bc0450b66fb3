"""The journal as it grows, to be waited for together with other things."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Final, Self

from pm2sd.systemd.journal import Entry, Query, arguments, failure, parse

_CHUNK: Final = 1 << 16


class Following:
    """A ``journalctl --follow``: readable with select(2) when there is something new.

    To be used in a ``with``, which ends it. journalctl also ends by itself when its reader dies.
    """

    __slots__ = ("_complaints", "_process", "_rest")

    def __init__(self, query: Query) -> None:
        """Start reading; ``query`` has ``follow`` set. Raises FileNotFoundError."""
        self._rest = b""
        self._complaints = os.memfd_create("journalctl")
        try:
            self._process = subprocess.Popen(
                ["journalctl", *arguments(query)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except BaseException:
            os.close(self._complaints)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        os.close(self._complaints)

    def fileno(self) -> int:
        """What to wait for."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def read(self) -> list[Entry]:
        """The entries that have come; waits if there is nothing at all.

        Raises Pm2sdError when journalctl ended, which it does not do by itself.
        """
        data = os.read(self.fileno(), _CHUNK)
        if not data:
            said = os.pread(self._complaints, 4096, 0).decode(errors="replace").strip()
            raise failure(said or f"ended with status {self._process.wait()}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [parse(json.loads(line)) for line in lines if line]
