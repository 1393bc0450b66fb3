"""``health``: ask every instance of an app once, and restart those that failed too often.

    health --app=NAME --timeout=MS --failures=N --grace=MS [--again] HOW

HOW is ``--alive`` for Node's event loop; what ``ready`` takes to ask a port; or ``--command --``
and the words of a command. ``--again``: the unit does not restart by itself.

A round that follows another is a process of its own: how often an instance failed stands in its
runtime directory, which goes with it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time

from pm2sd.probe import RESTARTED
from pm2sd.probe.asking import Elsewhere, Unanswered, ask, is_alive, question
from pm2sd.probe.manager import Instance, instances, systemctl
from pm2sd.probe.orders import Orders, orders

_FAILURES = "health-failures"
_JOURNAL = "/run/systemd/journal/socket"


def main(arguments: list[str]) -> int:
    """One round."""
    given = orders(arguments)
    grace = given.seconds("grace")
    now = time.monotonic()
    asked = [one for one in instances(given.text("app")) if now - one.since >= grace]
    problems: dict[str, str | None] = {}

    def note(one: Instance) -> None:
        problems[one.unit] = _problem(given, one)

    threads = [threading.Thread(target=note, args=(one,)) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in asked:
        problem = problems.get(one.unit)
        if problem is not None:
            _count(given, one, problem)
    return 0


def _problem(given: Orders, one: Instance) -> str | None:
    """What is wrong with an instance: empty if nothing is, None where it is not known."""
    seconds = given.seconds("timeout")
    try:
        if given.has("alive"):
            is_alive(one.private, seconds)
        elif given.has("command"):
            _run(given.words, one, seconds)
        else:
            ask(question(given), one.pid, one.number, one.private, seconds, seconds)
    except Elsewhere:
        return None
    except Unanswered as error:
        return str(error)
    return ""


def _run(command: list[str], one: Instance, seconds: float) -> None:
    environ = {"PM2SD_INSTANCE": str(one.number), "MAINPID": str(one.pid)}
    with subprocess.Popen(
        command, env={**os.environ, **environ}, stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            raise Unanswered(f"the command did not end within {seconds:g} s") from None
    if status:
        how = f"exited with code {status}" if status > 0 else f"was killed by signal {-status}"
        raise Unanswered(f"the command {how}")


def _count(given: Orders, one: Instance, problem: str) -> None:
    before = one.remembered(_FAILURES)
    failures = before + 1 if problem else 0
    if failures < int(given.text("failures")):
        if failures != before:
            one.remember(_FAILURES, failures)
        return
    times = "" if failures == 1 else f" {failures} times in a row"
    _tell(one, f"failed its health check{times} and is restarted: {problem}")
    # Nothing that hangs needs to hear of it first; Restart= starts it again.
    systemctl("kill", "--signal=SIGKILL", "--", one.unit)
    if given.has("again"):
        systemctl("restart", "--no-block", "--", one.unit)


def _tell(one: Instance, text: str) -> None:
    """Write to the journal, as the manager does about a unit (systemd.journal-fields(7))."""
    fields = {
        "MESSAGE": f"{one.unit}: {text}",
        "MESSAGE_ID": RESTARTED,
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": f"{one.unit.rpartition('@')[0]}:health",
        "USER_UNIT": one.unit,
        "USER_INVOCATION_ID": one.run,
    }
    clean = {name: value.replace("\n", " ") for name, value in fields.items()}
    message = "".join(f"{name}={value}\n" for name, value in clean.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.sendto(message.encode(errors="replace"), _JOURNAL)
