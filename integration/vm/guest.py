"""Runs inside the machine, started at its boot, and does what machine.py asks over a serial line.

Usage: guest.py TTY     as root, for as long as the machine is on
       guest.py         started by the other one in a user's session, on pipes

A request and its answer are a line of JSON each:

    {"argv": ["id"], "user": "tester", "input": "", "timeout": 60}
    {"status": 0, "stdout": "...", "stderr": "...", "timed_out": false}

A line that ends in a backslash is continued in the next; each such line is answered with an empty
one, since the kernel's serial line stops for good when more is sent than is read.

A user's first request logs the user in: a real PAM session that lasts until {"logout": "tester"}.
When the other end of the line is gone, the machine powers itself off.

Standard library only: it is run by the python3 of each Debian.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import tty
from collections.abc import Iterable, Iterator
from typing import IO, Any


def main() -> None:
    """Answers requests until there are no more."""
    if len(sys.argv) == 1:
        serve(sys.stdin, sys.stdout)
        return
    line = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    requests, answers = open(line, encoding="ascii"), open(os.dup(line), "w", encoding="ascii")
    with requests, answers, open("/proc/uptime", encoding="ascii") as uptime:
        say(answers, {"uptime": float(uptime.read().split()[0])})
        serve(requests, answers)
    subprocess.run(["systemctl", "poweroff"], check=False)


def serve(requests: Iterable[str], answers: IO[str]) -> None:
    """Reads requests until the end of the stream."""
    me = pwd.getpwuid(os.getuid()).pw_name
    sessions: dict[str, subprocess.Popen[str]] = {}
    for text in whole(requests, answers):
        request = json.loads(text)
        if "logout" in request:
            say(answers, logout(sessions.pop(request["logout"], None)))
        elif request["user"] == me:
            say(answers, run(request))
        else:
            user = request["user"]
            if user not in sessions:
                sessions[user] = login(user)
            answers.write(passed_on(sessions[user], text))
            answers.flush()


def whole(lines: Iterable[str], answers: IO[str]) -> Iterator[str]:
    """Requests that arrive in pieces, put together."""
    pieces = []
    for line in lines:
        if line.endswith("\\\n"):
            pieces.append(line[:-2])
            answers.write("\n")
            answers.flush()
        else:
            yield "".join(pieces) + line
            pieces.clear()


def say(answers: IO[str], message: object) -> None:
    """Writes one line."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def login(user: str) -> subprocess.Popen[str]:
    """Opens a PAM session with one of us in it."""
    return subprocess.Popen(
        ["su", "--login", user, "--command", f"exec python3 -S {os.path.abspath(__file__)}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="ascii",
    )


def passed_on(session: subprocess.Popen[str], request: str) -> str:
    """What the one of us in a session answers."""
    assert session.stdin
    assert session.stdout
    session.stdin.write(request)
    session.stdin.flush()
    return session.stdout.readline()


def logout(session: subprocess.Popen[str] | None) -> dict[str, Any]:
    """Ends a session, if there is one."""
    if session:
        assert session.stdin
        session.stdin.close()
        session.wait()
    return {"status": 0, "stdout": "", "stderr": "", "timed_out": False}


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Runs one command. What it leaves in the background may keep its files open: no pipes."""
    stdin, stdout, stderr = (tempfile.TemporaryFile() for _ in range(3))
    with stdin, stdout, stderr:
        stdin.write(request["input"].encode("utf-8", "surrogateescape"))
        stdin.seek(0)
        process = subprocess.Popen(
            request["argv"], stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
        timed_out = False
        try:
            process.wait(request["timeout"])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            timed_out = True
        return {
            "status": process.wait(),
            "stdout": contents(stdout),
            "stderr": contents(stderr),
            "timed_out": timed_out,
        }


def contents(file: IO[bytes]) -> str:
    """All that was written to a file."""
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


main()
