"""The unit directory: reading what is ours, writing safely."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import unit_files
from pm2sd.systemd.unit_files import UnitDirectory
from pm2sd.units.mark import MARK_PREFIX
from tests.systemd.namespace import in_namespace

OURS = f"{MARK_PREFIX} 0.1.0\n[Service]\nExecStart=/bin/true\n"


@pytest.fixture
def units(tmp_path: Path) -> UnitDirectory:
    return UnitDirectory(tmp_path / "config" / "systemd" / "user")


def tree(directory: UnitDirectory) -> dict[str, str]:
    return {
        str(path.relative_to(directory.path)): path.read_text()
        for path in directory.path.rglob("*")
        if path.is_file()
    }


def test_what_is_written_is_read_back(units: UnitDirectory) -> None:
    files = {
        "web@.service": OURS,
        "web.target": OURS + "# ünï\n",
        "web@0.service.d/10-pm2sd.conf": OURS,
        "web@.service.d/secrets.env": f"{MARK_PREFIX}\nA=1\n",
    }
    units.write(files)
    assert units.read_managed() == files
    assert tree(units) == files


def test_files_and_directories_are_private(units: UnitDirectory) -> None:
    units.write({"web@.service": OURS, "web@0.service.d/10-pm2sd.conf": OURS})
    for path in (units.path, units.path / "web@0.service.d"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for relative in units.read_managed():
        assert stat.S_IMODE((units.path / relative).stat().st_mode) == 0o600


def test_a_readable_file_becomes_private_when_replaced(units: UnitDirectory) -> None:
    units.write({"web@.service": OURS})
    (units.path / "web@.service").chmod(0o644)
    units.write({"web@.service": OURS + "# new\n"})
    assert stat.S_IMODE((units.path / "web@.service").stat().st_mode) == 0o600
    assert units.read("web@.service") == OURS + "# new\n"


def test_only_marked_regular_files_are_ours(units: UnitDirectory) -> None:
    units.write({"web@.service": OURS})
    (units.path / "other.service").write_text("[Service]\n" + OURS)
    (units.path / "empty.service").touch()
    (units.path / "notes.txt").write_text(OURS)
    (units.path / "link.service").symlink_to("web@.service")
    (units.path / "dangling.service").symlink_to("nowhere")
    os.mkfifo(units.path / "pipe.service")
    (units.path / "directory.service").mkdir()
    (units.path / "default.target.wants").mkdir()
    (units.path / "default.target.wants" / "web.target").write_text(OURS)
    (units.path / "web@.service.d").mkdir()
    (units.path / "web@.service.d" / "mine.conf").write_text("[Service]\n")
    assert units.read_managed() == {"web@.service": OURS}


def test_no_directory_is_no_files(units: UnitDirectory) -> None:
    assert units.read_managed() == {}
    assert units.read("web.target") is None
    assert not units.exists("web.target")
    assert units.drop_ins(["web.target"]) == []
    units.remove(["web.target"])


def test_bytes_that_are_no_text_survive(units: UnitDirectory) -> None:
    units.path.mkdir(parents=True)
    data = OURS.encode() + b"# \xff\xfe\n"
    (units.path / "web@.service").write_bytes(data)
    text = units.read_managed()["web@.service"]
    assert text == units.read("web@.service")
    units.write({"copy@.service": text})
    assert (units.path / "copy@.service").read_bytes() == data


@pytest.mark.parametrize("size", [65535, 65536, 65537, 400_000])
def test_long_files_are_read_whole(units: UnitDirectory, size: int) -> None:
    text = OURS + "#" * (size - len(OURS))
    units.write({"web@.service": text})
    assert units.read_managed() == {"web@.service": text}


def test_remove_takes_empty_drop_in_directories_along(units: UnitDirectory) -> None:
    units.write(
        {
            "web@.service": OURS,
            "web@0.service.d/10-pm2sd.conf": OURS,
            "web@1.service.d/10-pm2sd.conf": OURS,
        }
    )
    users = units.path / "web@1.service.d" / "mine.conf"
    users.write_text("[Service]\n")
    units.remove([*units.read_managed(), "was-never-there.service"])
    assert units.read_managed() == {}
    assert not (units.path / "web@0.service.d").exists()
    assert users.exists()
    assert units.path.is_dir()


def test_strays_of_a_killed_run_go_with_the_next_write(units: UnitDirectory) -> None:
    units.write({"web@.service": OURS})
    stray = units.path / unit_files._STAGING / "7"
    stray.parent.mkdir()
    stray.write_text(OURS)
    assert set(units.read_managed()) == {"web@.service"}
    units.write({"web@.service": OURS, "web.target": OURS})
    assert set(tree(units)) == {"web@.service", "web.target"}
    assert not stray.parent.exists()


def test_a_write_that_fails_leaves_everything_as_it_was(units: UnitDirectory) -> None:
    units.write({"web@.service": OURS})
    before = tree(units)
    too_long = "x" * 300 + ".service.d/10-pm2sd.conf"
    with pytest.raises(Pm2sdError, match="cannot write") as caught:
        units.write({"web@.service": "new", "web@0.service.d/a.conf": OURS, too_long: OURS})
    assert caught.value.hint == "give the app a shorter name"
    assert tree(units) == before
    assert [path.name for path in units.path.iterdir()] == ["web@.service"]


FULL_DISK = """
import os, sys
from pathlib import Path
from pm2sd.errors import Pm2sdError
from pm2sd.systemd.unit_files import UnitDirectory
units = UnitDirectory(Path(sys.argv[1]))
units.write({"web@.service": "before"})
try:
    units.write({"web.target": "small", "web@.service": "x" * 5_000_000})
except Pm2sdError as error:
    print(error.message, "|", error.hint)
print(sorted(os.listdir(units.path)), units.read("web@.service"))
"""


def test_a_full_disk(tmp_path: Path) -> None:
    out = in_namespace(f"mount -t tmpfs -o size=1m none {tmp_path}", FULL_DISK, str(tmp_path))
    first, second = out.splitlines()
    assert "No space left on device" in first
    assert f"df -h {tmp_path}" in first
    assert second == "['web@.service'] before"


READ_ONLY = """
import sys
from pathlib import Path
from pm2sd.errors import Pm2sdError
from pm2sd.systemd.unit_files import UnitDirectory
for action in (lambda u: u.write({"new.target": "x"}), lambda u: u.remove(["old.target"])):
    try:
        action(UnitDirectory(Path(sys.argv[1])))
    except Pm2sdError as error:
        print(error.message, "|", error.hint)
"""


def test_a_read_only_file_system(tmp_path: Path) -> None:
    (tmp_path / "old.target").write_text(OURS)
    setup = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path}"
    for line in in_namespace(setup, READ_ONLY, str(tmp_path)).splitlines():
        assert "Read-only file system" in line
        assert f"findmnt -T {tmp_path}" in line


OUT_OF_DESCRIPTORS = """
import os, resource, sys
from pathlib import Path
from pm2sd.errors import Pm2sdError
from pm2sd.systemd.unit_files import UnitDirectory
units = UnitDirectory(Path(sys.argv[1]))
units.write({"web@0.service.d/10-pm2sd.conf": sys.argv[2]})
free = os.dup(0)
os.close(free)
drop_ins = lambda: units.drop_ins(["web@0.service"])
managed = units.read_managed
for more, question in [(0, managed), (1, managed), (0, drop_ins), (9, managed)]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + more, 99))
    try:
        print(list(question()))
    except Pm2sdError as error:
        print(error.message)
"""


def test_what_cannot_be_read_is_not_taken_for_somebody_elses(tmp_path: Path) -> None:
    """Where a process is out of descriptors (as where a disk fails), apps would seem to be gone."""
    command = [sys.executable, "-c", OUT_OF_DESCRIPTORS, str(tmp_path), OURS]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    directory = tmp_path / "web@0.service.d"
    assert done.stdout.splitlines() == [
        f"cannot read {tmp_path}: Too many open files",
        f"cannot read {directory / '10-pm2sd.conf'}: Too many open files",
        f"cannot read {directory}: Too many open files",
        "['web@0.service.d/10-pm2sd.conf']",
    ]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Pm2sdError, match="Permission denied") as caught:
        UnitDirectory(tmp_path).write({"web@.service": OURS})
    assert "sudo chown" in (caught.value.hint or "")


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "user").touch()
    with pytest.raises(Pm2sdError, match="cannot write"):
        UnitDirectory(tmp_path / "user").write({"web@.service": OURS})


KILLED = """
import os, sys
from pathlib import Path
from pm2sd.systemd import unit_files
done = []
real = Path.replace
def replace(self, target):
    if len(done) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    done.append(target)
    return real(self, target)
Path.replace = replace
unit_files.UnitDirectory(Path(sys.argv[1])).write({f"{n}.service": "new" for n in range(3)})
"""


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_killed_between_renames_every_file_is_old_or_new(
    units: UnitDirectory, renames: int
) -> None:
    units.write({f"{number}.service": "old" for number in range(3)})
    command = [sys.executable, "-c", KILLED, str(units.path), str(renames)]
    done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    texts = [units.read(f"{number}.service") for number in range(3)]
    assert texts == ["new"] * renames + ["old"] * (3 - renames)
    units.write({f"{number}.service": "new" for number in range(3)})
    assert set(tree(units)) == {"0.service", "1.service", "2.service"}


def test_drop_ins_of_others_are_found(units: UnitDirectory) -> None:
    units.write({"web@0.service.d/10-pm2sd.conf": OURS, "web.target": OURS})
    (units.path / "web@0.service.d" / "a.conf").write_text("[Service]\n")
    (units.path / "web@0.service.d" / "a.conf~").write_text("[Service]\n")
    (units.path / "web@.service.d").mkdir()
    (units.path / "web@.service.d" / "b.conf").write_text("[Service]\n")
    base = units.path
    assert units.drop_ins(["web@0.service", "web@1.service", "web.target"]) == [
        ("web@0.service", f"{base}/web@0.service.d/a.conf"),
        ("web@0.service", f"{base}/web@.service.d/b.conf"),
        ("web@1.service", f"{base}/web@.service.d/b.conf"),
    ]


def test_units_of_others_are_found_in_every_directory(units: UnitDirectory, tmp_path: Path) -> None:
    units.write({"web.target": OURS, "web@.service": OURS})
    (units.path / "api@.service").write_text("[Service]\n")
    (units.path / "masked.target").symlink_to("/dev/null")
    system = tmp_path / "system"
    system.mkdir()
    (system / "dbus.service").write_text(OURS)
    (system / "api@.service").touch()
    names = ["web.target", "web@.service", "api@.service", "masked.target", "dbus.service", "no"]
    unit_path = [str(tmp_path / "missing"), str(units.path) + "/", str(system)]
    assert units.foreign_units(names, unit_path) == {
        "api@.service": f"{units.path}/api@.service",
        "masked.target": f"{units.path}/masked.target",
        "dbus.service": f"{system}/dbus.service",
    }
    assert units.foreign_units([], unit_path) == {}


def test_a_thousand_files_are_read_quickly(units: UnitDirectory) -> None:
    units.path.mkdir(parents=True)
    for number in range(1000):
        (units.path / f"app{number}@.service").write_text(OURS * 20)
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        assert len(units.read_managed()) == 1000
        best = min(best, time.process_time() - began)
    assert best < 0.2


def test_errors_without_a_hint_are_told_all_the_same(
    units: UnitDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    units.write({"web@.service": OURS})
    (units.path / "loop.service").symlink_to("loop.service")
    with pytest.raises(Pm2sdError, match=os.strerror(errno.ELOOP)) as caught:
        units.read("loop.service")
    assert caught.value.hint is None
