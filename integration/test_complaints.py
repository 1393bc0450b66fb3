"""What PM2's users complain about, each tried out; docs/differences.md has the list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, kill, properties, run
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory

IDLE = "setInterval(() => {}, 1e6)"

# Makes Python note where it connects to and which names it looks up. pystemd's own connections are
# made by libsystemd, which knows unix sockets only.
NOTE_CONNECTIONS = """\
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["CONNECTIONS"], "a") as out:
            print(event, arguments[1:], file=out)
sys.addaudithook(note)
"""


def unit(project: Project, name: str = "a", number: int = 0) -> str:
    return f"{project.name(name)}@{number}.service"


def pid(project: Project, name: str = "a", number: int = 0) -> int:
    return int(properties(unit(project, name, number), "MainPID")["MainPID"])


def apply(pm2sd: Pm2sd, project: Project, *apps: dict[str, Any]) -> None:
    project.write("app.js", IDLE)
    named = [{"script": "app.js", **app, "name": project.name(app["name"])} for app in apps]
    result = pm2sd("apply", project.ecosystem(named))
    assert result.exit_status == ExitStatus.OK, result


def given(project: Project) -> dict[str, str]:
    entries = Path(f"/proc/{pid(project)}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def words(project: Project) -> list[str]:
    return Path(f"/proc/{pid(project)}/cmdline").read_text().split("\0")[:-1]


def our_processes() -> list[str]:
    """The command lines of all processes that run anything of pm2sd's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue
            if "-m pm2sd" in line or "/pm2sd" in line.split(" ")[0]:
                found.append(line)
    return found


def test_nothing_of_pm2sd_runs_once_a_command_is_done(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"name": "a", "instances": 2})
    for command in (["restart", project.name("a")], ["status"], ["logs", "--nostream"]):
        assert pm2sd(*command).exit_status == ExitStatus.OK
    eventually(lambda: our_processes() == [])
    for number in range(2):
        stat = Path(f"/proc/{pid(project, number=number)}/stat").read_text()
        parent = int(stat.rpartition(")")[2].split()[1])
        assert Path(f"/proc/{parent}/comm").read_text() == "systemd\n"
        assert "pm2" not in Path(f"/proc/{pid(project, number=number)}/maps").read_text()


def test_the_death_of_one_app_leaves_the_others(pm2sd: Pm2sd, project: Project) -> None:
    """Each instance is a unit with a control group of its own, where limits and kills end."""
    apply(pm2sd, project, {"name": "a", "instances": 2}, {"name": "b"})
    groups = {
        properties(one, "ControlGroup")["ControlGroup"]
        for one in (unit(project), unit(project, "a", 1), unit(project, "b"))
    }
    assert len(groups) == 3
    before, others = pid(project), (pid(project, "a", 1), pid(project, "b"))
    kill(before)
    eventually(lambda: pid(project) not in (0, before))
    assert (pid(project, "a", 1), pid(project, "b")) == others


def test_a_variable_removed_from_the_file_is_gone(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"name": "a", "env": {"STAYS": "1", "GOES": "2", "CHANGES": "3"}})
    apply(pm2sd, project, {"name": "a", "env": {"STAYS": "1", "CHANGES": "4"}})
    env = given(project)
    assert (env["STAYS"], env["CHANGES"]) == ("1", "4")
    assert "GOES" not in env


def test_the_shells_variables_do_not_leak_into_apps(pm2sd: Pm2sd, project: Project) -> None:
    project.write("app.js", IDLE)
    file = project.ecosystem([{"name": project.name("a"), "script": "app.js"}])
    assert pm2sd("apply", file, env={"A_WORD": "leaks"}).exit_status == ExitStatus.OK
    assert "A_WORD" not in given(project)
    assert "leaks" not in "".join(path.read_text() for path in project.unit_files())


CHANGES: dict[str, dict[str, Any]] = {
    "script": {"script": "other.js"},
    "cwd": {"script": "other.js", "cwd": "sub"},
    "args": {"args": ["x"]},
    "node_args": {"node_args": ["--trace-warnings"]},
    "interpreter": {"script": "app.py", "interpreter": "python3"},
    "out_file": {"out_file": "out.log"},
    "instances": {"instances": 2},
}


@pytest.mark.parametrize("option", CHANGES)
def test_a_changed_option_is_applied_without_delete(
    pm2sd: Pm2sd, project: Project, option: str
) -> None:
    project.write("other.js", IDLE)
    project.write("sub/other.js", IDLE)
    project.write("app.py", "import signal\nsignal.pause()\n")
    fork = {"name": "a", "exec_mode": "fork"}
    apply(pm2sd, project, fork)
    first = pid(project)
    apply(pm2sd, project, {**fork, **CHANGES[option]})
    expected = {
        "script": lambda: words(project)[-1] == str(project.path / "other.js"),
        "cwd": lambda: str(Path(f"/proc/{pid(project)}/cwd").readlink()).endswith("/sub"),
        "args": lambda: words(project)[-1] == "x",
        "node_args": lambda: words(project)[1] == "--trace-warnings",
        "interpreter": lambda: words(project)[-1] == str(project.path / "app.py"),
        "out_file": lambda: str(Path(f"/proc/{pid(project)}/fd/1").readlink()).endswith("out.log"),
        "instances": lambda: pid(project, number=1) != 0 and pid(project) == first,
    }
    eventually(expected[option])  # a start is one when systemd-cat runs, which becomes the program
    assert (pid(project) == first) == (option == "instances")
    apply(pm2sd, project, fork)
    eventually(lambda: words(project)[-1] == str(project.path / "app.js"))
    assert pid(project, number=1) == 0


def test_nothing_with_variables_in_it_is_readable_by_others(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, {"name": "a", "env": {"TOKEN": "a"}, "secrets": {"KEY": "b"}})
    files = [path for path in project.unit_files() if path.is_file() and not path.is_symlink()]
    assert any("TOKEN" in path.read_text() for path in files)
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_jlist_is_nothing_but_json(pm2sd: Pm2sd, project: Project) -> None:
    """Remarks and warnings are on stderr, also where there is something to say."""
    apply(pm2sd, project, {"name": "a"}, {"name": "b"})
    (unit_directory() / f"{project.name('b')}.target").unlink()
    answer = pm2sd("jlist", "--mini-list", env={"FORCE_COLOR": "1"})
    assert "--mini-list has no effect here" in answer.stderr
    assert project.name("a") in [one["name"] for one in json.loads(answer.stdout)]


def test_no_command_uses_the_network(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit/sitecustomize.py").write_text(NOTE_CONNECTIONS)
    noted = tmp_path / "connections"
    here = {"PYTHONPATH": str(tmp_path / "audit"), "CONNECTIONS": str(noted)}
    probe = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
    assert run("python3", "-c", probe, env=here).exit_status == 0
    assert "127.0.0.1" in noted.read_text(), "the test sees connections"
    noted.unlink()
    project.write("app.js", IDLE)
    file = project.ecosystem([{"name": project.name("a"), "script": "app.js"}])
    commands = (
        ("apply", file), ("status",), ("describe", project.name("a")), ("jlist",), ("report",),
        ("version",), ("logs", "--nostream"), ("restart", project.name("a")),
        ("delete", project.name("a")),
    )  # fmt: skip
    for command in commands:
        assert pm2sd(*command, env=here).exit_status == ExitStatus.OK
    lines = noted.read_text().splitlines() if noted.exists() else []
    assert not [line for line in lines if "('/" not in line], "unix sockets have paths"


def test_an_upgrade_of_pm2sd_disturbs_no_app(pm2sd: Pm2sd, project: Project) -> None:
    """Nothing of the program that applied them is needed by running apps, or starts them again."""
    apply(pm2sd, project, {"name": "a"})
    before = pid(project)
    done = pm2sd("update")
    assert done.exit_status == ExitStatus.OK
    assert "disturbs no app" in done.stdout
    assert "unchanged" in pm2sd("apply").stdout
    assert pid(project) == before
    texts = "".join(path.read_text() for path in project.unit_files() if path.is_file())
    assert "-m pm2sd" not in texts
