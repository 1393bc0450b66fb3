"""``hardening`` on a real user manager: what each level really keeps an app from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, properties, run
from pm2sd.errors import ExitStatus

DOC = Path(__file__).parent.parent / "docs/hardening.md"
HOME = Path.home()

# What an app tries, and whether it worked.
PROBE = """\
import ctypes, json, os, pathlib, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def works(what):
    try:
        return what() is not False
    except OSError:
        return False
def write(path):
    pathlib.Path(path).write_text("x")
def setuid_file():
    path = pathlib.Path(sys.argv[1] + ".suid")
    path.write_text("")
    path.chmod(0o4755)
found = {
    "new_privileges": "NoNewPrivs:\\t0" in pathlib.Path("/proc/self/status").read_text(),
    "personality": libc.personality(0x0040000) != -1,
    "setuid_file": works(setuid_file),
    "namespace": libc.unshare(0x10000000) == 0,
    "packet_socket": works(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)),
    "write_cwd": works(lambda: write("written")),
    "write_home": works(lambda: write(os.path.expanduser("~/written"))),
    "write_var": works(lambda: write("/run/lock/written")),
    "devices": os.path.exists("/dev/net/tun") or os.path.exists("/dev/kmsg"),
    "listens": works(lambda: socket.create_server(("127.0.0.1", 0))),
    "uid": os.getuid(),
}
path = pathlib.Path(sys.argv[1])
path.with_suffix(".new").write_text(json.dumps(found))
path.with_suffix(".new").rename(path)
os.execvp("sleep", ["sleep", "infinity"])
"""


def probed(pm2sd: Pm2sd, project: Project, **options: Any) -> dict[str, Any]:
    """What an app with these options could do."""
    project.write("probe.py", PROBE)
    result = project.path / "result"
    result.unlink(missing_ok=True)
    app = {"name": project.name(), "script": "probe.py", "args": [str(result)], **options}
    applied = pm2sd("apply", project.ecosystem([app]))
    assert applied.exit_status == ExitStatus.OK, applied
    found: dict[str, Any] = json.loads(eventually(result.read_text))
    return found


def exposure(unit: str) -> str:
    """The score of systemd-analyze, from 0 (nothing to attack) to 10."""
    said = run("systemd-analyze", "--user", "--no-pager", "security", unit).stdout
    found = re.search(r"exposure level for .*: ([0-9.]+)", said)
    assert found, said
    return found[1]


def test_off_changes_nothing(pm2sd: Pm2sd, project: Project) -> None:
    found = probed(pm2sd, project, hardening="off")
    for name in ("new_privileges", "personality", "setuid_file", "namespace", "packet_socket"):
        assert found[name], name


def test_basic_is_the_default_and_takes_privileges_only(pm2sd: Pm2sd, project: Project) -> None:
    found = probed(pm2sd, project)
    assert [name for name in ("new_privileges", "personality", "setuid_file") if found[name]] == []
    for name in ("namespace", "packet_socket", "write_cwd", "write_home", "listens"):
        assert found[name], name
    described = pm2sd("describe", project.name(), "--json").json[0]
    assert (described["hardening"], described["confined"]) == ("basic", False)


def test_strict_shows_the_app_a_system_of_its_own(pm2sd: Pm2sd, project: Project) -> None:
    found = probed(pm2sd, project, hardening="strict")
    kept_from = ("new_privileges", "personality", "setuid_file", "namespace", "packet_socket")
    assert [name for name in (*kept_from, "write_var", "devices") if found[name]] == []
    for name in ("write_cwd", "write_home", "listens"):
        assert found[name], name
    assert found["uid"] == HOME.stat().st_uid
    described = pm2sd("describe", project.name(), "--json").json[0]
    assert (described["hardening"], described["confined"]) == ("strict", True)
    assert re.search(r"hardening +strict\n", pm2sd("describe", project.name()).stdout)


def test_a_directive_of_ones_own_has_the_last_word(pm2sd: Pm2sd, project: Project) -> None:
    unit = {"Service": {"LockPersonality": False, "ReadOnlyPaths": str(HOME)}}
    found = probed(pm2sd, project, hardening="strict", unit=unit)
    assert (found["personality"], found["write_home"], found["setuid_file"]) == (True, False, False)


@pytest.mark.parametrize("level", ["off", "basic", "strict"])
def test_the_scores_of_the_document_are_those_measured(
    pm2sd: Pm2sd, project: Project, level: str
) -> None:
    server = project.script("http_server.js")
    app = {"name": project.name(), "script": server, "env": {"PORT": "0"}}
    app |= {"cwd": str(HOME), "hardening": level}
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    unit = f"{project.name()}@0.service"
    assert properties(unit, "ActiveState", "NRestarts") == {
        "ActiveState": "active",
        "NRestarts": "0",
    }
    version = run("systemctl", "--version").stdout.split()[1]
    rows = [line.split("|") for line in DOC.read_text().splitlines() if f"| `{level}`" in line]
    (scores,) = rows
    if version != "252":
        pytest.skip("the document has the scores of systemd 252")
    assert exposure(unit) == scores[2].strip()
