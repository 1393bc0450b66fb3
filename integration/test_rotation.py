"""pm2sd logrotate: real logrotate, real timers, files that are written meanwhile."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.harness import (
    Pm2sd,
    Project,
    as_root,
    eventually,
    properties,
    run,
    systemctl,
)
from pm2sd.errors import ExitStatus

# The timers are one pair for all of the user's apps.
pytestmark = pytest.mark.xdist_group("rotation")

TIMERS = ("pm2sd-logrotate.timer", "pm2sd-logrotate-interval.timer")
AT_ONCE = "pm2sd-logrotate-interval.service"
WITHIN = 60.0
ENOUGH = 3


@pytest.fixture(autouse=True)
def state(tmp_path: Path, pm2sd: Pm2sd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory of the test's own; rotation is removed after it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path / "state/pm2sd"
    assert pm2sd("logrotate", "--remove").exit_status == ExitStatus.OK


def rotate(pm2sd: Pm2sd, *options: str) -> list[str]:
    result = pm2sd("logrotate", *options)
    assert result.exit_status == ExitStatus.OK, result
    return result.stdout.splitlines()


def writer(project: Project, name: str, **options: object) -> dict[str, object]:
    script = project.path / "writes.sh"
    script.write_text('echo "$1" started; exec sleep infinity\n')
    return {
        "name": project.name(name),
        "script": str(script),
        "interpreter": "bash",
        "args": name,
        **options,
    }


def applied(pm2sd: Pm2sd, project: Project, *apps: dict[str, object]) -> None:
    result = pm2sd("apply", project.ecosystem(list(apps)), "--prune")
    assert result.exit_status == ExitStatus.OK, result


def contents(file: Path) -> list[str]:
    """What a log file and all that was rotated out of it hold, the oldest first."""
    rotated = sorted(file.parent.glob(f"{file.stem}__*"))
    lines: list[str] = []
    for path in [*rotated, file]:
        data = path.read_bytes()
        lines += (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
    return lines


def is_busy(timer: str) -> bool:
    """Whether the service of a timer runs."""
    unit = timer.replace(".timer", ".service")
    return properties(unit, "ActiveState")["ActiveState"] in ("activating", "active")


def rotated_files(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.glob(f"{file.stem}__*"))


def test_a_file_that_grew_too_large_is_rotated_by_the_timer(pm2sd: Pm2sd, project: Project) -> None:
    odd = project.path / 'l{o*g s/o"ut[1].log'
    applied(pm2sd, project, writer(project, "grows", out_file=str(odd)))
    eventually(lambda: odd.read_text() == "grows started\n")
    said = rotate(pm2sd, "--max-size", "1K", "--worker-interval", "1", "--retain", "2")
    assert f"rotates {odd}" in said
    for timer in TIMERS:
        assert properties(timer, "ActiveState", "UnitFileState") == {
            "ActiveState": "active",
            "UnitFileState": "enabled",
        }
    for number in range(ENOUGH):
        with odd.open("a") as file:
            file.write(f"{number} {'x' * 2000}\n")
        eventually(lambda: odd.stat().st_size == 0, WITHIN)

    def kept() -> list[Path]:
        # The file is emptied first, then the copy compressed and the oldest removed.
        found = sorted(odd.parent.glob("*.gz"))
        assert [path.name for path in found] == ['o"ut[1].1.log.gz', 'o"ut[1].2.log.gz']
        assert gzip.decompress(found[0].read_bytes()).decode().startswith(f"{ENOUGH - 1} x")
        return found

    eventually(kept, WITHIN)


def test_as_many_rotated_files_are_kept_as_wanted(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "it's a.log"
    applied(pm2sd, project, writer(project, "keeps", out_file=str(log)))
    eventually(lambda: log.read_text() == "keeps started\n")
    rotate(pm2sd, "--retain", "2", "--worker-interval", "3600")
    for number in range(ENOUGH):
        before = rotated_files(log)
        log.write_text(f"{number}\n")
        # Names have seconds: of two rotations within one the later would fail.
        assert systemctl("start", AT_ONCE).exit_status == 0
        assert rotated_files(log) != before
    assert contents(log) == ["1", "2"]


def test_no_line_is_lost_where_the_app_opens_its_file_anew(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "access.log"
    app: dict[str, object] = {
        "name": project.name("reopens"),
        "script": project.script("reopens.py"),
        "interpreter": sys.executable,
        "args": [str(log), str(ENOUGH)],
        "log_rotate": {"files": ["access.log"], "signal": "SIGUSR2"},
        "cwd": str(project.path),
    }
    applied(pm2sd, project, app)
    rotate(pm2sd, "--max-size", "1K", "--worker-interval", "1", "--retain", "all")
    eventually(lambda: contents(log)[-1:] == ["end"], 2 * WITHIN)
    systemctl("stop", *TIMERS)  # what it may have begun goes on to its end
    eventually(lambda: not any(is_busy(timer) for timer in TIMERS), WITHIN)
    assert len(rotated_files(log)) >= ENOUGH
    *numbers, end = contents(log)
    assert end == "end"
    assert numbers == [*map(str, range(len(numbers)))]


def test_files_of_apps_that_come_and_go_are_rotated_from_then_on(
    pm2sd: Pm2sd, project: Project, state: Path
) -> None:
    assert "copied, then emptied" not in pm2sd("logrotate").stderr
    logs = [project.path / f"logs/{name}.log" for name in ("first", "second")]
    first, second = (writer(project, path.stem, out_file=str(path)) for path in logs)
    for apps, wanted in (([first, second], logs), ([second], logs[1:])):
        applied(pm2sd, project, *apps)
        eventually(lambda: logs[0].read_text() == "first started\n")
        configuration = (state / "logrotate.conf").read_text()
        assert [path for path in logs if f'"{path}"' in configuration] == wanted
    eventually(lambda: logs[1].read_text() == "second started\n")
    assert systemctl("start", AT_ONCE).exit_status == 0
    assert (logs[1].read_text(), len(rotated_files(logs[1]))) == ("", 1)
    assert (logs[0].read_text(), rotated_files(logs[0])) == ("first started\n", [])
    assert contents(logs[1]) == ["second started"]
    assert systemctl("start", AT_ONCE).exit_status == 0
    assert len(rotated_files(logs[1])) == 1, "an empty file is left alone"


def test_settings_have_pm2s_names_and_stay_until_they_are_changed(
    pm2sd: Pm2sd, state: Path
) -> None:
    zone = ("--TZ", "Asia/Kolkata", "--rotateInterval", "30 3 * * 1")
    rotate(pm2sd, "--dateFormat", "YYYYMMDD-HHmmss", *zone, "--rotateModule", "false")
    result = pm2sd("set", "pm2-logrotate:max_size", "20M")
    assert result.exit_status == ExitStatus.OK, result
    told = pm2sd("set", "pm2-logrotate:compress", "false").stdout.splitlines()[0]
    assert told == (
        "log files are rotated above 20M, looked at every 30s, and at '30 3 * * 1' "
        "(Asia/Kolkata); 7 are kept"
    )
    configuration = (state / "logrotate.conf").read_text().splitlines()
    assert {"size 20971520", "nocompress", "dateformat __%Y%m%d-%H%M%S", "rotate 7"} <= {
        *configuration
    }
    assert "Mon *-*-* 03:30:00 Asia/Kolkata" in systemctl("cat", TIMERS[1]).stdout
    assert "Environment=TZ=Asia/Kolkata" in systemctl("cat", AT_ONCE).stdout.replace('"', "")


def test_wrong_settings_are_refused_and_nothing_is_installed(pm2sd: Pm2sd) -> None:
    wrong = {
        "--max-size": "big",
        "--retain": "-1",
        "--compress": "yes",
        "--dateFormat": "dddd",
        "--workerInterval": "0",
        "--rotateInterval": "often",
        "--TZ": "Mars/Olympus",
    }
    for flag, value in wrong.items():
        result = pm2sd("logrotate", flag, value)
        assert (result.exit_status, "hint:" in result.stderr) == (ExitStatus.USAGE, True), result
    unknown = pm2sd("set", "pm2-logrotate:max_sise", "1M")
    assert "it has max_size, retain" in unknown.stderr
    assert pm2sd("set", "something", "1").exit_status == ExitStatus.USAGE
    assert properties(TIMERS[0], "LoadState") == {"LoadState": "not-found"}


def test_the_file_for_root_is_one_that_logrotate_reads(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "o.log"
    own = {"files": ["own.log"], "signal": "SIGUSR2"}
    app = writer(project, "big", out_file=str(log), log_rotate=own, cwd=str(project.path))
    applied(pm2sd, project, app)
    (project.path / "own.log").write_text("x\n")
    result = pm2sd("logrotate", "--system", "--max-size", "2M")
    file = project.path / "for-root"
    file.write_text(result.stdout)
    file.chmod(0o600)
    assert (
        "pm2sd logrotate --system --max_size 2M | "
        f"sudo tee /etc/logrotate.d/pm2sd-{os.environ['USER']}\n"
    ) in result.stderr
    # As another user it may not switch to one; all else it does, but for the rotation itself.
    own_rights = result.stdout.replace("  su ", "  # su ")
    file.write_text(own_rights)
    read = run("/usr/sbin/logrotate", "--debug", "--force", "--state", "/dev/null", file)
    assert read.exit_status == 0, read
    assert "error" not in read.stderr, read
    assert f"considering log {log}" in read.stderr
    assert f"XDG_RUNTIME_DIR=/run/user/{os.getuid()} systemctl --user kill" in read.stderr
    assert "max size is 2097152" in read.stderr or "maxsize 2097152" in result.stdout


@pytest.mark.skipif(not os.environ.get("PM2SD_SANDBOX"), reason="needs root")
def test_root_rotates_by_the_file_as_printed(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "out.log"
    applied(pm2sd, project, writer(project, "big", out_file=str(log)))
    eventually(lambda: log.read_text() == "big started\n", WITHIN)
    file = f"/etc/logrotate.d/{project.name()}"
    printed = project.write("for-root", pm2sd("logrotate", "--system").stdout)
    once = f"/usr/sbin/logrotate --force --state {project.path}/root.state {file}"
    install = f"cat {printed} >{file}; {once}; status=$?; rm {file}; exit $status"
    done = as_root("sh", "-c", install, cwd=project.path)
    assert (done.exit_status, done.stderr) == (0, "")
    (rotated,) = project.path.glob("out__*.gz")
    assert gzip.decompress(rotated.read_bytes()) == b"big started\n"
    assert (rotated.stat().st_uid, log.stat().st_size) == (os.getuid(), 0)


def test_a_machine_without_logrotate_is_told_what_to_install(
    pm2sd: Pm2sd, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody but root can take the program away, so the places are emptied for this run.
    code = (
        "from pm2sd.control import rotation; rotation._DIRECTORIES = (); "
        "import sys; sys.argv = ['pm2sd', 'logrotate']; "
        "from pm2sd.__main__ import main; sys.exit(main())"
    )
    result = run(sys.executable, "-c", code, cwd=project.path, env={"PATH": "/nowhere"})
    assert result.exit_status == ExitStatus.FAILED, result
    assert "logrotate, which rotates the files, is not installed" in result.stderr
    assert "sudo apt install logrotate" in result.stderr
    assert properties(TIMERS[0], "LoadState") == {"LoadState": "not-found"}
