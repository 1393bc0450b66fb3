"""Output in whatever encoding, of whatever bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pm2sd.control.desired import Wanted, rendered
from pm2sd.ecosystem.app import App
from pm2sd.systemd.unit_files import UnitDirectory

DROP_IN = b"# caf\xe9\n[Service]\nNice=3\n"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", b"# caf\xe9\n"), ("ascii", b"# caf\\udce9\n"), ("latin-1", b"# caf\\udce9\n")],
)
def test_bytes_that_the_encoding_lacks_end_no_command(
    tmp_path: Path, encoding: str, expected: bytes
) -> None:
    directory = UnitDirectory(tmp_path / "systemd/user")
    app = App(name="web", script="/bin/sleep", command=("/bin/sleep", "1"), cwd="/")
    directory.write(rendered(directory.path, [Wanted(app)], 252))
    drop_in = directory.path / "web@.service.d/mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_bytes(DROP_IN)
    environ = {
        **os.environ,
        "XDG_CONFIG_HOME": str(tmp_path),
        "PYTHONIOENCODING": f"{encoding}:strict",
    }

    def printed(*words: str) -> bytes:
        command = [sys.executable, "-m", "pm2sd", "cat", "web", *words]
        done = subprocess.run(command, env=environ, capture_output=True, check=True)
        assert done.stderr == b""
        return done.stdout

    assert expected in printed()
    texts = [one["text"] for one in json.loads(printed("--json").decode("ascii"))]
    assert DROP_IN.decode(errors="surrogateescape") in texts
