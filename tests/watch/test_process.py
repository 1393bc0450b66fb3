"""The watcher as a process of its own, where the kernel's limits are low."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pm2sd.watch.__main__ import orders

# A user namespace has limits of its own, which whoever makes it may lower.
LIMITED = 'echo "$1" > /proc/sys/user/"$2" && shift 2 && exec "$@"'
SPACE = ("unshare", "--user", "--map-root-user")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[bytes]) -> str:
    """The next line the watcher says."""
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], 60)
    assert readable, "it says nothing"
    return process.stdout.readline().decode()


WRITABLE = "test -w /proc/sys/user/max_inotify_watches && findmnt -no OPTIONS -T /proc/sys/user"


def _may_set_limits() -> bool:
    """Whether a user namespace can be made and its limits set: not where /proc/sys is read-only."""
    done = subprocess.run([*SPACE, "sh", "-c", WRITABLE], capture_output=True, text=True)
    return done.returncode == 0 and "ro" not in done.stdout.strip().split(",")


@pytest.mark.skipif(
    not _may_set_limits(), reason="no user namespace whose limits an ordinary user may set"
)
@pytest.mark.parametrize(
    ("limit", "setting", "named"),
    [
        ("5", "max_inotify_watches", "fs.inotify.max_user_watches"),
        ("0", "max_inotify_instances", "fs.inotify.max_user_instances"),
    ],
)
def test_it_looks_for_changes_where_the_kernel_has_no_watches_left(
    limit: str,
    setting: str,
    named: str,
    tmp_path: Path,
    started: list[subprocess.Popen[bytes]],
) -> None:
    for number in range(10):
        (tmp_path / f"{number}").mkdir()
    watcher = (sys.executable, "-m", "pm2sd.watch", "--app=no:such", f"--base={tmp_path}")
    command = (*SPACE, "sh", "-c", LIMITED, "sh", limit, setting, *watcher, "--", ".")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    started.append(process)
    said = line(process)
    assert said.startswith("<4>this user's inotify ")
    assert named in said
    assert "looking at 11 files every 2 s instead" in said
    (tmp_path / "3" / "new").write_text("1")
    assert line(process) == "<5>3/new changed; no instance is to run\n"


def test_it_says_what_changed_even_if_it_is_no_text(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    command = (
        sys.executable,
        "-m",
        "pm2sd.watch",
        "--app=no:such",
        f"--base={tmp_path}",
        "--",
        ".",
    )
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    started.append(process)
    assert process.stdout
    deadline = time.monotonic() + 60
    while not select.select([process.stdout], [], [], 1)[0] and time.monotonic() < deadline:
        (tmp_path / "\udcff.js").write_text("1")
    said = process.stdout.readline()
    assert said == b"<5>\xff.js changed; no instance is to run\n"


def test_a_command_line_is_read() -> None:
    read = orders(
        [
            *("--app=web", "--base=/srv/app", "--delay=1500", "--poll=100", "--depth=2"),
            *("--no-follow", "--no-globs", "--ignore=-x", "--ignore=*.log"),
            *("--ignore-file=/srv/app/out", "--", "-src", "*.js"),
        ]
    )
    assert (read.app, read.delay, read.poll, read.follow) == ("web", 1.5, 0.1, False)
    assert [root.path for root in read.rules.roots] == ["/srv/app/-src", "/srv/app/*.js"]
    assert [pattern.path for pattern in read.rules.ignored] == ["/srv/app/-x", "/srv/app/*.log"]
    assert (read.rules.depth, read.rules.files) == (2, ("/srv/app/out",))
