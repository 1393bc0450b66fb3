"""Places where pm2sd cannot work: one error with the cause and its remedy, and nothing changed.

Each is made in a mount namespace of the test's own, or for a user of its own, so that nobody else
is disturbed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from integration.harness import Pm2sd, Project, Result, as_root, eventually, run
from pm2sd.errors import ExitStatus

USER = os.environ.get("USER") or "tester"
RUNTIME = f"/run/user/{os.getuid()}"
UNITS = Path.home() / ".config" / "systemd" / "user"
_ENTER = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-ec")
_LEAVE = 'exec setpriv --inh-caps=-all --ambient-caps=-all "$@"'


def in_place(
    mounts: str, command: list[str], env: Mapping[str, str | None] | None = None
) -> Result:
    """Runs a command, without privileges, where the shell commands ``mounts`` were run before."""
    return run(*_ENTER, f"{mounts}; {_LEAVE}", "sh", *command, env=env)


@pytest.fixture(autouse=True)
def possible() -> None:
    if in_place("mount -t tmpfs none /mnt", ["true"]).exit_status != 0:
        assert "PM2SD_SANDBOX" not in os.environ, "the sandbox allows user namespaces"
        pytest.skip("user namespaces are not allowed here")
    UNITS.mkdir(parents=True, exist_ok=True)
    Path(RUNTIME, "pm2sd").mkdir(mode=0o700, exist_ok=True)  # as every command that changes things


@pytest.fixture
def file(project: Project) -> Path:
    return project.ecosystem(
        [{"name": project.name("hostile"), "script": "sleep", "args": "infinity"}]
    )


def refused(result: Result, status: ExitStatus, cause: str, remedy: str) -> None:
    assert result.exit_status == status, result
    assert result.stderr.count("error: ") == 1, result
    assert cause in result.stderr
    assert f"hint: {remedy}" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["apply", "diff", "status", "jlist", "stop all"])
@pytest.mark.parametrize(
    ("mounts", "cause", "remedy"),
    [
        ("mount -t tmpfs none /run", "systemd is not running here", "run pm2sd on the host"),
        (
            "mount -t tmpfs none /run/user",
            f"user@{os.getuid()}.service is not running",
            f"sudo systemctl start user@{os.getuid()}.service",
        ),
        (
            "mount -t tmpfs none /run/user; mount -t tmpfs none /var/lib/systemd",
            f"{USER} has no user manager: lingering is off",
            f"sudo loginctl enable-linger {USER}",
        ),
        (
            f"for at in systemd/private bus; do mount --bind /dev/null {RUNTIME}/$at; done",
            f"{RUNTIME} exists, but no user manager runs in it",
            f"sudo systemctl restart user@{os.getuid()}.service",
        ),
    ],
    ids=["not-booted", "no-manager", "no-session", "left-behind"],
)
def test_no_manager(
    pm2sd: Pm2sd, project: Project, file: Path, mounts: str, cause: str, remedy: str, command: str
) -> None:
    words = [*command.split(), *([str(file)] if command in ("apply", "diff") else [])]
    env = {"XDG_RUNTIME_DIR": None, "DBUS_SESSION_BUS_ADDRESS": None}
    result = in_place(mounts, pm2sd.command(*words), env)
    refused(result, ExitStatus.NO_USER_MANAGER, cause, remedy)
    assert project.unit_files() == []


@pytest.mark.parametrize("sockets", [f"{RUNTIME}/bus", f"{RUNTIME}/bus /run/dbus"])
def test_no_bus_is_no_obstacle(pm2sd: Pm2sd, file: Path, sockets: str) -> None:
    mounts = (
        f"for at in {sockets}; do if [ -d $at ]; then mount -t tmpfs none $at;"
        " else mount --bind /dev/null $at; fi; done"
    )
    for command in (["apply", str(file)], ["status"], ["diff", str(file)]):
        done = in_place(mounts, pm2sd.command(*command))
        assert done.exit_status == ExitStatus.OK, done


NOT_INSTALLED = """
    mount -t tmpfs none /mnt; mkdir /mnt/upper /mnt/work
    mount -t overlay -o lowerdir=/usr,upperdir=/mnt/upper,workdir=/mnt/work none /usr
    rm -r /usr/lib/systemd /usr/bin/systemd* /usr/bin/systemctl /usr/bin/journalctl
    rm -r /usr/bin/loginctl /usr/bin/busctl /usr/bin/dbus*
    find /usr/lib /usr/lib64 -name 'libsystemd*' -prune -exec rm -r {} +
    mount -t tmpfs none /run
"""
HERE = "systemd is not running here: PID 1 is something else"


EACH = """
import json, subprocess, sys
program, *commands = sys.argv[1:]
done = [
    subprocess.run([*program.split(), *words.split()], capture_output=True, text=True)
    for words in commands
]
print(json.dumps([(one.returncode, one.stdout, one.stderr) for one in done]))
"""


def test_systemd_is_not_installed(pm2sd: Pm2sd, project: Project, file: Path) -> None:
    """Its programs and its library are gone; an app's units are there, as in a home moved here."""
    if "PM2SD_SANDBOX" not in os.environ:
        pytest.skip("needs root; in the sandbox there is a way to it")
    name = project.name("hostile")
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    before = {path: path.read_bytes() for path in project.unit_files()}
    works = {
        "--version": "",
        "--help": "Usage: pm2sd",
        "version": f"systemd unknown: {HERE}",
        "schema": "https://json-schema.org/",
        "explain max_memory_restart": "max_memory_restart does",
        f"cat {file} --target-systemd 257": "[Service]",
        f"cat {name}": "[Service]",
        "report": f"no user manager: {HERE}",
    }
    refuses = [
        *(f"apply {file}", f"diff {file}", "start sleep", "status", "jlist", f"stop {name}"),
        *(f"describe {name}", "startup", "save", "ping"),
    ]
    commands = [*works, *refuses, f"logs --nostream {name}", "doctor"]
    become = ("setpriv", "--reuid", USER, "--regid", USER, "--init-groups")
    env = ("env", "-i", f"HOME={Path.home()}", "PATH=/usr/bin:/bin", "PYTHONPATH=/src")
    each = ("/usr/bin/python3", "-c", EACH, " ".join(pm2sd.command()), *commands)
    setup = f'set -e\n{NOT_INSTALLED}\nexec "$@"'
    told = as_root(
        *("unshare", "--mount", "sh", "-c", setup, "sh", *become, *env, *each), cwd=project.path
    )
    assert told.exit_status == 0, told
    done = {
        command: Result(*one)
        for command, one in zip(commands, json.loads(told.stdout), strict=True)
    }
    for command, says in works.items():
        result = done[command]
        assert (result.exit_status, "error: " in result.stderr) == (ExitStatus.OK, False), result
        assert says in result.stdout, command
    for command in refuses:
        refused(done[command], ExitStatus.NO_USER_MANAGER, HERE, "run pm2sd on the host")
        assert done[command].stdout == ""
    *_, logs, doctor = done.values()
    refused(logs, ExitStatus.FAILED, "journalctl is not installed", "install systemd's journal")
    assert (doctor.exit_status, doctor.stderr) == (ExitStatus.FAILED, ""), doctor
    assert doctor.stdout.startswith(f"fail  {HERE}")
    assert {path: path.read_bytes() for path in project.unit_files()} == before


@pytest.mark.parametrize(
    ("mounts", "cause", "remedy"),
    [
        (
            f"mount --bind {UNITS} {UNITS}; mount -o remount,ro,bind {UNITS}",
            "Read-only file system",
            f"that file system is mounted read-only: findmnt -T {UNITS}",
        ),
        (
            f"mount --bind /usr/share {UNITS}",
            "Permission denied",
            f"give it back to its owner: sudo chown -R {USER}: {UNITS}",
        ),
        (
            f"mount --bind /usr/share {UNITS.parent}",
            "Permission denied",
            f"make it for its owner: sudo install -d -o {USER} {UNITS}",
        ),
        (
            f"mount --bind {RUNTIME} {RUNTIME}; mount -o remount,ro,bind {RUNTIME}",
            f"cannot lock {RUNTIME}/pm2sd/lock: Read-only file system",
            f"that file system is mounted read-only: findmnt -T {RUNTIME}/pm2sd",
        ),
    ],
    ids=["read-only-home", "foreign-directory", "foreign-parent", "read-only-runtime"],
)
def test_nothing_can_be_written(
    pm2sd: Pm2sd, project: Project, file: Path, mounts: str, cause: str, remedy: str
) -> None:
    result = in_place(mounts, pm2sd.command("apply", file))
    refused(result, ExitStatus.FAILED, cause, remedy)
    assert project.unit_files() == []


@pytest.mark.parametrize("command", ["status", "jlist"])
def test_a_unit_directory_that_may_not_be_read_is_no_empty_one(pm2sd: Pm2sd, command: str) -> None:
    result = in_place(f"mount -t tmpfs -o mode=000 none {UNITS}", pm2sd.command(command))
    refused(
        result,
        ExitStatus.FAILED,
        f"cannot read {UNITS}: Permission denied",
        f"give it back to its owner: sudo chown -R {USER}: {UNITS}",
    )
    assert result.stdout == ""


def test_the_home_of_somebody_else(pm2sd: Pm2sd, project: Project, file: Path) -> None:
    """What is left of the environment after ``sudo -E -u USER``."""
    result = pm2sd("apply", file, env={"HOME": "/root", "XDG_CONFIG_HOME": None})
    refused(
        result,
        ExitStatus.FAILED,
        "HOME is /root in this shell",
        f"export HOME={Path.home()}",
    )
    assert project.unit_files() == []


@pytest.mark.parametrize("command", ["apply", "diff", "stop all"])
def test_another_configuration_directory_than_the_managers(
    pm2sd: Pm2sd, project: Project, file: Path, tmp_path: Path, command: str
) -> None:
    """Units would be written where nobody looks, and those that run would be somebody else's."""
    assert pm2sd("apply", file).exit_status == ExitStatus.OK
    elsewhere = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    words = command.split()
    result = pm2sd(*words, *([file] if len(words) == 1 else []), env=elsewhere)
    refused(result, ExitStatus.FAILED, f"{tmp_path}/config/systemd/user", "unset XDG_CONFIG_HOME")
    assert not (tmp_path / "config").exists()
    status = pm2sd("status", env=elsewhere)
    assert status.exit_status == ExitStatus.OK, status
    assert f"does not read {tmp_path}/config/systemd/user" in status.stderr
    # Through a link it is the same directory.
    (tmp_path / "link").symlink_to(UNITS.parent.parent)
    linked = pm2sd("apply", file, env={"XDG_CONFIG_HOME": str(tmp_path / "link")})
    assert linked.exit_status == ExitStatus.OK, linked


def test_no_libsystemd(pm2sd: Pm2sd, file: Path) -> None:
    found = run("sh", "-c", "ls /usr/lib/*/libsystemd.so.0 /usr/lib*/libsystemd.so.0 2>/dev/null")
    library = found.stdout.split()[0]
    result = in_place(f"mount --bind /dev/null {library}", pm2sd.command("apply", file))
    refused(result, ExitStatus.FAILED, "pystemd cannot be loaded", "install libsystemd-dev")


@pytest.fixture
def stranger(project: Project) -> Iterator[str]:
    """A user who never logged in."""
    if "PM2SD_SANDBOX" not in os.environ:
        pytest.skip("needs root; in the sandbox there is a way to it")
    user = project.name("s")
    assert as_root("/usr/sbin/useradd", "--create-home", user, cwd=Path("/")).exit_status == 0
    yield user
    as_root("loginctl", "disable-linger", user, cwd=Path("/"))
    as_root("systemctl", "stop", f"user@{_uid(user)}.service", cwd=Path("/"))
    as_root("/usr/sbin/userdel", "--force", "--remove", user, cwd=Path("/"))


def _uid(user: str) -> str:
    return run("id", "-u", user).stdout.strip()


def test_the_hints_for_a_user_without_a_session_mend_it(pm2sd: Pm2sd, stranger: str) -> None:
    """What sudo -u gives: another's uid, no session, no XDG_RUNTIME_DIR."""
    home = Path("/home") / stranger

    def as_stranger(*words: str) -> Result:
        become = ("--reuid", stranger, "--regid", stranger, "--init-groups")
        env = ("env", "-i", f"HOME={home}", "PATH=/usr/bin:/bin")
        return as_root(*env, "setpriv", *become, *pm2sd.command(*words), cwd=home)

    def type_in(hint: str) -> None:
        done = as_root(*hint.removeprefix("sudo ").split(), cwd=Path("/"))
        assert done.exit_status == 0, done

    linger = f"sudo loginctl enable-linger {stranger}"
    start = f"sudo systemctl start user@{_uid(stranger)}.service"
    app = ("start", "/bin/sleep", "--name", "a", "--interpreter", "none", "--", "1000")
    refused(as_stranger(*app), ExitStatus.NO_USER_MANAGER, "lingering is off", linger)
    assert not (home / ".config").exists()
    type_in(linger)
    eventually(lambda: as_stranger("ping").exit_status == ExitStatus.OK)  # it is being started
    assert as_stranger(*app).exit_status == ExitStatus.OK
    as_root("systemctl", "stop", f"user@{_uid(stranger)}.service", cwd=Path("/"))
    refused(as_stranger("status"), ExitStatus.NO_USER_MANAGER, "is not running", start)
    type_in(start)

    def is_online() -> bool:
        status = as_stranger("status")
        assert status.exit_status == ExitStatus.OK, status
        return "online" in status.stdout

    eventually(is_online)  # what ran comes back with the manager
