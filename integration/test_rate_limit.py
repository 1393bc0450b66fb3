"""An app that prints without end: what journald drops is told, and others are not disturbed.

The sandbox of all other tests has no rate limit, so these have one of their own:

    integration/sandbox --rate-limit 1000/2s -- .venv/bin/python -m pytest \\
      integration/test_rate_limit.py
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integration.harness import Pm2sd, Project, as_root, eventually, run, systemctl
from pm2sd.errors import ExitStatus

WITHIN = 90.0
LINES = 100_000
LIMITED = Path("/run/systemd/journald.conf.d/00-sandbox.conf")

# A bucket of the whole user's: whatever else is printed meanwhile would count, too.
pytestmark = [
    pytest.mark.xdist_group("alone"),
    pytest.mark.skipif(
        not LIMITED.exists() or "RateLimitBurst" not in LIMITED.read_text(),
        reason="the sandbox has no rate limit; see the beginning of the file",
    ),
]

FLOOD = """\
import os, signal, sys
both = {signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
while True:
    if signal.sigwait(both) == signal.SIGUSR2:
        print("nudge", flush=True)
        continue
    data = b"".join(b"line %d\\n" % n for n in range(int(sys.argv[1])))
    while data: data = data[os.write(1, data[:1 << 16]):]
"""


def flooding(pm2sd: Pm2sd, project: Project, **options: object) -> str:
    script = project.write("flood.py", FLOOD)
    app = {
        "name": project.name("flood"),
        "script": str(script),
        "interpreter": sys.executable,
        "args": [str(LINES)],
        **options,
    }
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.OK, result
    return str(app["name"])


def flood(name: str) -> None:
    systemctl("kill", "--signal=USR1", f"{name}@0.service")


def kept(name: str) -> int:
    """How many lines of an app the journal has."""
    found = run(
        *("journalctl", "--user", "--quiet", "--output=cat", "--lines=all"),
        f"SYSLOG_IDENTIFIER={name}@0",
    )
    return found.stdout.count("line ")


def dropped(said: str) -> int:
    return sum(map(int, re.findall(r"journald dropped (\d+) lines of your apps", said)))


def nudge(name: str) -> None:
    """journald tells of the lines it dropped with the next one of the same user that it takes."""
    systemctl("kill", "--signal=USR2", f"{name}@0.service")


def test_every_line_is_either_kept_or_told_to_be_dropped(pm2sd: Pm2sd, project: Project) -> None:
    name = flooding(pm2sd, project)
    since = f"@{time.time():.6f}"
    flood(name)

    # Of the nudges, and of what the manager says, some may be dropped as well.
    others = 100

    def accounted() -> bool:
        nudge(name)
        said = pm2sd("logs", name, "--nostream", "--since", since, "--lines", "1000000").stderr
        assert dropped(said), said
        total = kept(name) + dropped(said)
        assert LINES <= total < LINES + others, (kept(name), said)
        return True

    eventually(accounted, WITHIN)
    assert kept(name) < LINES


def test_who_follows_is_told_while_it_happens(pm2sd: Pm2sd, project: Project) -> None:
    name = flooding(pm2sd, project)
    errors = project.path / "stderr"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            pm2sd.command("logs", name, "--raw", "--lines", "0"),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        ) as following,
    ):
        try:
            flood(name)

            def told() -> bool:
                nudge(name)
                return dropped(errors.read_text()) > 0

            eventually(told, WITHIN)
            assert "pm2sd journald" in errors.read_text()
        finally:
            following.send_signal(signal.SIGINT)


def test_files_have_no_limit_and_disturb_nobody(pm2sd: Pm2sd, project: Project) -> None:
    log = Path(project.path / "out.log")
    name = flooding(pm2sd, project, out_file=str(log))

    def says(what: str, within: float) -> bool:
        """Whether the journal keeps all of what another program of the user prints."""
        unit = project.name(what)
        shell = f"for n in $(seq 50); do echo {what} $n; done"
        systemd_run = ("systemd-run", "--user", "--quiet", "--wait", f"--unit={unit}")
        run(*systemd_run, f"--property=SyslogIdentifier={unit}", "sh", "-c", shell)
        wanted = [f"{what} {number}" for number in range(1, 51)]
        journal = ("journalctl", "--user", "--quiet", "--output=cat", "--lines=all")

        def whole() -> bool:
            found = run(*journal, f"SYSLOG_IDENTIFIER={unit}", "_TRANSPORT=stdout")
            return found.stdout.splitlines() == wanted

        try:
            return eventually(whole, within)
        except AssertionError:
            return False

    attempts = iter(range(100))
    eventually(lambda: says(f"before{next(attempts)}", 5), WITHIN)  # the tests before have printed
    flood(name)
    assert says("meanwhile", WITHIN)
    eventually(lambda: log.read_bytes().count(b"\n") == LINES, WITHIN)


def test_the_settings_installed_as_printed_lift_the_limit(pm2sd: Pm2sd, project: Project) -> None:
    name = flooding(pm2sd, project)
    printed = pm2sd("journald", "--max-use", "200M").stderr
    assert printed.startswith("to install it:\n")
    # Root in the sandbox needs no sudo, and has no pm2sd in the PATH.
    command = shlex.join(pm2sd.command())
    shims = f'sudo() {{ "$@"; }}\npm2sd() {{ {command} "$@"; }}\n'
    install = shims + printed.partition("\n")[2]
    pid = pm2sd("pid", name).stdout
    try:
        installed = as_root("bash", "-ec", install, cwd=Path("/src"))
        assert installed.exit_status == 0, installed
        settings = run("systemd-analyze", "cat-config", "systemd/journald.conf").stdout
        assert settings.rindex("SystemMaxUse=209715200") > settings.rindex("RateLimitBurst=1000\n")
        since = f"@{time.time():.0f}"
        flood(name)
        eventually(lambda: kept(name) == LINES, WITHIN)
        nudge(name)
        said = pm2sd("logs", name, "--nostream", "--since", since, "--lines", "1").stderr
        assert dropped(said) == 0
        assert pm2sd("pid", name).stdout == pid, "apps go on running and logging"
    finally:
        undo = "rm /etc/systemd/journald.conf.d/pm2sd.conf; systemctl restart systemd-journald"
        as_root("sh", "-c", undo, cwd=Path("/src"))
