"""PM2's daemons in the process table; integration/test_doctor.py has real ones."""

from __future__ import annotations

import subprocess
import sys

from pm2sd.systemd.pm2_daemons import pm2_daemons

FORKS = "import os, sys; os.fork() and print('forked', flush=True); sys.stdin.read()"


def test_what_a_daemon_is_about_to_start_is_no_daemon() -> None:
    """Between fork(2) and execve(2) it has the daemon's title."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS, "PM2 v7.0.4: God Daemon (/tmp/.pm2)"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as daemon:
        assert daemon.stdin
        assert daemon.stdout
        try:
            assert daemon.stdout.readline() == b"forked\n"
            found = [one for one in pm2_daemons() if one.home.endswith("(/tmp/.pm2)")]
            assert [one.pid for one in found] == [daemon.pid]
        finally:
            daemon.stdin.close()
