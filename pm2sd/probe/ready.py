"""``ready``: wait until an instance that was just started is ready; ``ExecStartPost=``.

    ready --within=MS --socket=N --path=PATH --host=HOST --tls --own --numbered --number=N ADDRESS
    ready --within=MS --log=EXPRESSION --identifier=NAME@N [FILE...]
    mark FILE...        before the start: how long the log files are

The unit is activating until this ends. Exit status 0: ready; 124, as of timeout(1): not in time,
said on standard error; 1: the main process ($MAINPID) has ended, upon which this ends at once.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import threading
import time

from pm2sd.probe import NOT_IN_TIME
from pm2sd.probe.asking import Elsewhere, Unanswered, ask, question
from pm2sd.probe.orders import Orders, orders

_ENDED = 1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1
_ACCEPT_SECONDS = 1.0
_MARKS = "log-sizes"
_TICK = 0.01  # of the clock by which the kernel notes starts


def main(arguments: list[str]) -> int:
    """Wait; the exit status."""
    given = orders(arguments)
    pid = int(os.environ["MAINPID"])
    _end_with(pid)
    within = given.seconds("within")
    problem = _log(given, pid, within) if given.has("log") else _asked(given, pid, within)
    if problem:
        sys.stderr.write(f"not ready within {within:g} s: {problem}\n")
        return NOT_IN_TIME
    # For the preload, which has the watchdog wait for the start; of this life of the instance.
    with open(f"{private_directory()}/ready-{os.environ['INVOCATION_ID']}", "w", encoding="ascii"):
        return 0


def mark(files: list[str]) -> int:
    """Note how long the log files are before the start."""
    with open(f"{private_directory()}/{_MARKS}", "w", encoding="utf-8") as marks:
        for path in files:
            print(os.path.getsize(path) if os.path.exists(path) else 0, file=marks)
    return 0


def private_directory() -> str:
    """The runtime directory of the unit that is ours; the unit may have others."""
    places = os.environ.get("RUNTIME_DIRECTORY", "").split(":")
    return next(place for place in places if "/pm2sd/probe/" in place)


def _end_with(pid: int) -> None:
    try:
        main_process = os.pidfd_open(pid)
    except OSError:
        os._exit(_ENDED)

    def wait() -> None:
        select.select([main_process], [], [])
        os._exit(_ENDED)

    threading.Thread(target=wait, daemon=True).start()


def _asked(given: Orders, pid: int, within: float) -> str:
    """Ask until there is a good answer, which is no problem; the last problem."""
    what = question(given)
    deadline = time.monotonic() + within
    pause, problem = _FIRST_PAUSE, ""
    while (left := deadline - time.monotonic()) > 0:
        try:
            number = int(given.text("number") or 0)
            ask(what, pid, number, private_directory(), left, _ACCEPT_SECONDS)
        except Elsewhere as error:
            problem = str(error)
            time.sleep(_FIRST_PAUSE)  # it is chance who takes the next one
        except Unanswered as error:
            problem = str(error)
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        else:
            return ""
    return problem


def _log(given: Orders, pid: int, within: float) -> str:
    """Wait for the line; the problem."""
    wanted = re.compile(given.text("log"))
    found = threading.Event()
    journal = None
    if given.has("identifier"):
        age = _age(pid) + _TICK
        # journalctl looks for a place to begin by the clock that people set, which may have been
        # there before; whether a line is of this start is told by the other one.
        journal = _journal(given.text("identifier"), time.time() - age)
        since = int((time.monotonic() - age) * 1e6)
        threading.Thread(target=_read, args=(journal, since, wanted, found), daemon=True).start()
    files = _Files(given.words)
    deadline = time.monotonic() + within
    try:
        while not found.wait(_FIRST_PAUSE) and not files.have(wanted):
            if time.monotonic() > deadline:
                return f"no line matches {given.text('log')!r}"
    finally:
        if journal:
            journal.kill()
    return ""


def _age(pid: int) -> float:
    """For how many seconds a process runs, up to ``_TICK`` less (proc(5), stat)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _journal(identifier: str, since: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *("journalctl", "--follow", "--no-tail", "--quiet", "--all", "--boot"),
            *("--output=json", "--output-fields=MESSAGE", f"--since=@{since:.6f}"),
            *(f"_UID={os.getuid()}", f"SYSLOG_IDENTIFIER={identifier}"),
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def _read(
    journal: subprocess.Popen[bytes], since: int, wanted: re.Pattern[str], found: threading.Event
) -> None:
    """Look for the line among those since a moment, in microseconds of CLOCK_MONOTONIC."""
    import json

    assert journal.stdout
    for line in journal.stdout:
        entry = json.loads(line)
        if int(entry["__MONOTONIC_TIMESTAMP"]) < since:
            continue
        message = entry.get("MESSAGE") or ""
        if isinstance(message, list):  # what is no UTF-8 comes as bytes
            message = bytes(one for one in message if isinstance(one, int)).decode(errors="replace")
        if any(map(wanted.search, message.split("\n"))):
            found.set()
            return


class _Files:
    """What was written to log files since the start."""

    def __init__(self, paths: list[str]) -> None:
        self._places: dict[str, int] = {}
        self._rest = dict.fromkeys(paths, b"")
        if paths:
            with open(f"{private_directory()}/{_MARKS}", encoding="utf-8") as marks:
                self._places = dict(zip(paths, map(int, marks), strict=True))

    def have(self, wanted: re.Pattern[str]) -> bool:
        """Whether one of the lines that came since the last time matches."""
        return any(
            wanted.search(line.decode(errors="replace"))
            for path in self._places
            for line in self._new_lines(path)
        )

    def _new_lines(self, path: str) -> list[bytes]:
        try:
            with open(path, "rb") as file:
                # Shorter than it was: somebody has emptied it.
                file.seek(min(self._places[path], os.fstat(file.fileno()).st_size))
                text = self._rest[path] + file.read()
                self._places[path] = file.tell()
        except FileNotFoundError:
            return []
        *lines, self._rest[path] = text.split(b"\n")
        return lines
