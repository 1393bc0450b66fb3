"""Python in a mount namespace of its own, where a place may be made hostile without root."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ENTER = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-ec")
_LEAVE = 'exec setpriv --inh-caps=-all --ambient-caps=-all "$@"'


def in_namespace(setup: str, script: str, *arguments: str) -> str:
    """What a script prints where the shell commands ``setup`` were run before."""
    if subprocess.run([*_ENTER, "mount -t tmpfs none /mnt"], check=False).returncode != 0:
        assert "PM2SD_SANDBOX" not in os.environ, "the sandbox allows user namespaces"
        pytest.skip("user namespaces are not allowed here")
    done = subprocess.run(
        [*_ENTER, f"{setup}\n{_LEAVE}", "sh", sys.executable, "-c", script, *arguments],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.stderr == ""
    return done.stdout
