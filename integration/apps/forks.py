"""Usage: forks.py FILE: has a child, and a grandchild that has left its session (a daemon).

Writes {"main": PID, "child": PID, "daemon": PID} to FILE once all three run, then sleeps. The
child and the daemon ignore SIGINT, as a program that knows nothing of its parent's end would.
"""

import json
import os
import signal
import sys
from pathlib import Path


def sleep_on() -> None:
    while True:
        signal.pause()


def fork_child() -> int:
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sleep_on()
    return pid


def fork_daemon() -> int:
    """Forks twice, with a session of its own in between; the pid comes back through a pipe."""
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pid = os.fork()
        if pid:
            os.write(writing, str(pid).encode())
            os._exit(0)
        os.close(reading)
        os.close(writing)
        sleep_on()
    os.close(writing)
    os.waitpid(middle, 0)
    with os.fdopen(reading) as answer:
        return int(answer.read())


def main() -> None:
    path = Path(sys.argv[1])
    pids = {"main": os.getpid(), "child": fork_child(), "daemon": fork_daemon()}
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(pids))
    temporary.replace(path)
    print("ready", flush=True)
    sleep_on()


main()
