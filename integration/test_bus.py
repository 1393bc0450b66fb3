"""The bus against a real user manager."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.harness import eventually
from pm2sd.errors import NoUserManager
from pm2sd.systemd import connection
from pm2sd.systemd.bus import UNSET, Bus, Job, UnitRow
from pm2sd.systemd.errors import ManagerError, UnitError
from pm2sd.systemd.paths import unit_directory

WITHIN = 60.0

SLEEPER = "[Service]\nType=exec\nExecStart=/bin/sleep 300\n"


@pytest.fixture
def bus() -> Iterator[Bus]:
    with Bus.open() as opened:
        yield opened


class Units:
    """Writes units under a prefix of their own; afterwards nothing of them is left."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.prefix = f"t{uuid.uuid4().hex[:10]}"
        self.written: list[Path] = []

    def write(self, suffix: str, text: str) -> str:
        path = unit_directory() / f"{self.prefix}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.written.append(path)
        return path.name

    def clean(self) -> None:
        rows = self.bus.list_units([f"{self.prefix}*"])
        names = [row.name for row in rows]
        self.bus.run_jobs([Job("stop", name) for name in names], WITHIN)
        self.bus.reset_failed(names)
        self.bus.disable([path.name for path in self.written])
        for path in self.written:
            path.unlink(missing_ok=True)
        self.bus.reload()


@pytest.fixture
def units(bus: Bus) -> Iterator[Units]:
    made = Units(bus)
    yield made
    made.clean()


def test_manager_properties_are_text_and_numbers(bus: Bus) -> None:
    assert bus.version() >= 252
    assert bus.manager("Version").startswith(str(bus.version()))
    assert bus.manager("ControlGroup").endswith(f"user@{os.getuid()}.service")
    assert str(unit_directory()) in bus.manager("UnitPath")
    assert any(line.startswith("HOME=") for line in bus.manager("Environment"))


def test_unknown_manager_property_is_an_error_not_a_crash(bus: Bus) -> None:
    with pytest.raises(ManagerError, match="NoSuchThing"):
        bus.manager("NoSuchThing")


def test_start_lists_restarts_and_stops(bus: Bus, units: Units) -> None:
    name = units.write("@0.service", "[Unit]\nDescription=ünït\n" + SLEEPER)
    start = Job("start", name)
    assert bus.run_jobs([start], WITHIN) == {start: "done"}
    row = UnitRow(name, "ünït", "loaded", "active", "running")
    assert bus.list_units([f"{units.prefix}@*"]) == [row]
    pid = bus.get(name, "Service", "MainPID")
    assert Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
    assert bus.get(name, "Service", "ControlGroup").endswith(f"/{name}")
    assert bus.get(name, "Service", "ExecStart")[0][:2] == (
        "/bin/sleep",
        ["/bin/sleep", "300"],
    )
    assert bus.get(name, "Service", "MemoryMax") == UNSET

    assert bus.run_jobs([Job("restart", name)], WITHIN) == {Job("restart", name): "done"}
    assert bus.get(name, "Service", "MainPID") not in (0, pid)
    assert bus.run_jobs([Job("stop", name)], WITHIN) == {Job("stop", name): "done"}
    assert bus.get(name, "Unit", "ActiveState") == "inactive"


def test_start_of_a_running_unit_is_done_at_once(bus: Bus, units: Units) -> None:
    job = Job("start", units.write(".service", SLEEPER))
    bus.run_jobs([job], WITHIN)
    pid = bus.get(job.unit, "Service", "MainPID")
    assert bus.run_jobs([job], WITHIN) == {job: "done"}
    assert bus.get(job.unit, "Service", "MainPID") == pid


def test_backslashes_in_names_are_no_escapes_in_patterns(bus: Bus, units: Units) -> None:
    name = units.write(r"\x40a@0.service", SLEEPER)
    bus.run_jobs([Job("start", name)], WITHIN)
    pattern = units.prefix + r"\x40a@*.service"
    assert [row.name for row in bus.list_units([pattern])] == [name]
    assert bus.get(name, "Unit", "ActiveState") == "active"


def test_no_pattern_lists_nothing(bus: Bus) -> None:
    assert bus.list_units([]) == []
    assert bus.units_by_name([]) == []
    assert len(bus.list_units(["*"])) > 5


def test_each_job_has_its_own_result(bus: Bus, units: Units) -> None:
    good = units.write("-good.service", SLEEPER)
    bad = units.write("-bad.service", "[Service]\nType=exec\nExecStart=/nonexistent/program\n")
    masked = units.write("-masked.service", SLEEPER)
    path = unit_directory() / masked
    path.unlink()
    path.symlink_to("/dev/null")
    broken = units.write("-broken.service", "[Service]\nType=exec\n")
    needy = units.write("-needy.service", f"[Unit]\nRequires={bad}\nAfter={bad}\n{SLEEPER}")
    missing = f"{units.prefix}-missing.service"
    expected = {
        good: "done",
        bad: "failed",
        masked: "masked",
        broken: "bad-setting",
        needy: "dependency",
        missing: "no-such-unit",
        "no unit name": "refused",
    }
    jobs = [Job("start", name) for name in expected]
    results = bus.run_jobs(jobs, WITHIN)
    assert {job.unit: result for job, result in results.items()} == expected
    assert list(results) == jobs


def test_a_job_that_outlasts_the_timeout_stays_queued(bus: Bus, units: Units) -> None:
    slow = units.write(
        ".service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 300\nTimeoutStopSec=1\n"
    )
    began = time.monotonic()
    assert bus.run_jobs([Job("start", slow)], 0.3) == {Job("start", slow): "timeout"}
    assert time.monotonic() - began < WITHIN
    eventually(lambda: bus.get(slow, "Unit", "ActiveState") == "activating")
    with Bus.open() as other:
        other.run_jobs([Job("stop", slow)], WITHIN)
    assert bus.get(slow, "Unit", "ActiveState") != "activating"


def test_a_replaced_job_is_canceled(bus: Bus, units: Units) -> None:
    slow = units.write(".service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 300\n")
    start, stop = Job("start", slow), Job("stop", slow)
    assert bus.run_jobs([start, stop], WITHIN) == {start: "canceled", stop: "done"}


def test_fifty_jobs_at_once_and_again(bus: Bus, units: Units) -> None:
    template = units.write("@.service", SLEEPER)
    names = [template.replace("@", f"@{number}") for number in range(50)]
    for verb in ("start", "restart", "stop"):
        results = bus.run_jobs([Job(verb, name) for name in names], WITHIN)
        assert set(results.values()) == {"done"}
        assert [job.unit for job in results] == names
    assert {row.load for row in bus.units_by_name(names)} == {"loaded"}


def test_duplicate_jobs_are_one(bus: Bus, units: Units) -> None:
    job = Job("start", units.write(".service", SLEEPER))
    assert bus.run_jobs([job, job], WITHIN) == {job: "done"}


def test_units_by_name_tells_what_does_not_exist(bus: Bus, units: Units) -> None:
    name = units.write("@.service", SLEEPER).replace("@", "@7")
    missing = f"{units.prefix}-missing@0.service"
    rows = {row.name: (row.load, row.active) for row in bus.units_by_name([name, missing])}
    assert rows == {name: ("loaded", "inactive"), missing: ("not-found", "inactive")}


def test_properties_of_a_missing_unit_are_defaults(bus: Bus) -> None:
    assert bus.get("t-missing@0.service", "Unit", "LoadState") == "not-found"
    assert bus.get("t-missing@0.service", "Service", "Environment") == []


def test_get_of_a_property_that_is_none(bus: Bus) -> None:
    with pytest.raises(UnitError, match=r"basic\.target"):
        bus.get("basic.target", "Unit", "NoSuchThing")


def test_get_all_has_both_interfaces(bus: Bus, units: Units) -> None:
    name = units.write(".service", SLEEPER)
    everything = bus.get_all(name)
    assert everything["LoadState"] == "loaded"
    assert everything["KillSignal"] == signal.SIGTERM
    assert all(isinstance(key, str) for key in everything)


def test_changed_files_count_after_a_reload(bus: Bus, units: Units) -> None:
    name = units.write(".service", SLEEPER)
    assert bus.get(name, "Service", "ExecStart")[0][1] == ["/bin/sleep", "300"]
    units.write(".service", SLEEPER.replace("300", "301"))
    bus.reload()
    assert bus.get(name, "Service", "ExecStart")[0][1] == ["/bin/sleep", "301"]


def test_enable_and_disable(bus: Bus, units: Units) -> None:
    target = units.write(".target", "[Unit]\n[Install]\nWantedBy=default.target\n")
    link = unit_directory() / "default.target.wants" / target
    assert bus.unit_file_state(target) == "disabled"
    bus.enable([target])
    assert bus.unit_file_state(target) == "enabled"
    assert link.is_symlink()
    bus.enable([target])
    bus.disable([target])
    assert bus.unit_file_state(target) == "disabled"
    assert not link.is_symlink()
    bus.disable([target])


def test_disable_works_after_the_file_is_gone(bus: Bus, units: Units) -> None:
    target = units.write(".target", "[Unit]\n[Install]\nWantedBy=default.target\n")
    bus.enable([target])
    (unit_directory() / target).unlink()
    bus.disable([target])
    assert not (unit_directory() / "default.target.wants" / target).is_symlink()


def test_state_and_enabling_of_what_does_not_exist(bus: Bus) -> None:
    assert bus.unit_file_state("t-missing.service") == ""
    with pytest.raises(UnitError, match=r"no unit t-missing\.service") as caught:
        bus.enable(["t-missing.service"])
    assert caught.value.reason == "no-such-unit"
    bus.enable([])
    bus.disable([])


def test_reset_failed_clears_failure_and_start_limit(bus: Bus, units: Units) -> None:
    text = "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n[Service]\nExecStart=/bin/true\n"
    name = units.write(".service", text.replace("/bin/true", "/bin/false"))
    start = Job("start", name)
    for _ in range(2):
        bus.run_jobs([start], WITHIN)
        eventually(lambda: bus.get(name, "Unit", "ActiveState") == "failed")
    assert bus.run_jobs([start], WITHIN) == {start: "failed"}
    assert bus.get(name, "Service", "Result") != "success"
    bus.reset_failed([name, "t-missing.service"])
    assert bus.get(name, "Unit", "ActiveState") == "inactive"
    assert bus.run_jobs([start], WITHIN) == {start: "done"}


def test_kill_reaches_the_main_process(bus: Bus, units: Units) -> None:
    name = units.write(".service", SLEEPER)
    bus.run_jobs([Job("start", name)], WITHIN)
    bus.kill(name, signal.SIGKILL)
    eventually(lambda: bus.get(name, "Unit", "ActiveState") == "failed")
    assert bus.get(name, "Service", "ExecMainStatus") == signal.SIGKILL
    with pytest.raises(UnitError) as caught:
        bus.kill(name, signal.SIGKILL)
    assert caught.value.reason == "no-process"


def test_kill_of_an_unknown_unit(bus: Bus) -> None:
    with pytest.raises(UnitError) as caught:
        bus.kill("t-missing.service", signal.SIGTERM)
    assert caught.value.reason == "no-such-unit"


def test_closing_twice_and_use_after_close(units: Units) -> None:
    bus = Bus.open()
    bus.close()
    bus.close()
    with pytest.raises(ValueError, match="closed"):
        bus.version()
    with pytest.raises(ValueError, match="closed"):
        bus.run_jobs([Job("start", units.write(".service", SLEEPER))], WITHIN)
    with bus:
        pass


def test_close_gives_the_socket_back() -> None:
    gc.collect()  # else what earlier tests left open may be closed meanwhile
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with Bus.open():
            pass
    assert len(os.listdir("/proc/self/fd")) <= before


def test_two_connections_see_their_own_jobs(bus: Bus, units: Units) -> None:
    first, second = (units.write(f"-{part}.service", SLEEPER) for part in "ab")
    with Bus.open() as other:
        assert bus.run_jobs([Job("start", first)], WITHIN) == {Job("start", first): "done"}
        assert other.run_jobs([Job("start", second)], WITHIN) == {Job("start", second): "done"}
        assert other.run_jobs([Job("stop", first)], WITHIN) == {Job("stop", first): "done"}
        assert bus.run_jobs([Job("stop", second)], WITHIN) == {Job("stop", second): "done"}


def test_signals_during_calls_do_not_disturb(bus: Bus, units: Units) -> None:
    rung: list[int] = []
    previous = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        name = units.write(".service", SLEEPER)
        for verb in ("start", "restart", "stop"):
            job = Job(verb, name)
            assert bus.run_jobs([job], WITHIN) == {job: "done"}
        while len(rung) < 50:
            assert bus.version() >= 252
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_ctrl_c_ends_the_wait_at_once(bus: Bus, units: Units) -> None:
    name = units.write(".service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 300\n")
    script = (
        "import sys; from pm2sd.systemd.bus import Bus, Job\n"
        "with Bus.open() as bus:\n"
        "    try: bus.run_jobs([Job('start', sys.argv[1])], 300)\n"
        "    except KeyboardInterrupt: print('interrupted', bus.version() > 0)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, name], stdout=subprocess.PIPE, text=True
    )
    eventually(lambda: bus.get(name, "Unit", "ActiveState") == "activating")
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=WITHIN)  # much less than the service takes
    assert out == "interrupted True\n"


@pytest.fixture
def session_bus_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A runtime directory without the manager's private socket."""
    address = f"unix:path={os.environ['XDG_RUNTIME_DIR']}/bus"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    return address


def test_the_user_bus_does_as_well(units: Units, session_bus_only: str) -> None:
    name = units.write("@.service", SLEEPER)
    names = [name.replace("@", f"@{number}") for number in range(5)]
    with Bus.open() as bus:
        for verb in ("start", "stop"):
            results = bus.run_jobs([Job(verb, name) for name in names], WITHIN)
            assert set(results.values()) == {"done"}


def test_a_bus_socket_beside_the_missing_private_one(
    units: Units, session_bus_only: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    (tmp_path / "bus").symlink_to(session_bus_only.removeprefix("unix:path="))
    with Bus.open() as bus:
        assert bus.version() >= 252


def test_without_xdg_runtime_dir_the_manager_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    with Bus.open() as bus:
        assert bus.version() >= 252


def test_xdg_runtime_dir_of_another_user_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run")
    with Bus.open() as bus:
        assert bus.manager("ControlGroup").endswith(f"user@{os.getuid()}.service")


def test_an_empty_runtime_directory_is_diagnosed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    with pytest.raises(NoUserManager, match="no user manager in XDG_RUNTIME_DIR") as caught:
        Bus.open()
    assert caught.value.hint == f"export XDG_RUNTIME_DIR=/run/user/{os.getuid()}"


def test_a_frozen_manager_is_an_error_not_a_hang(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_WITHIN", 0.2)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    scope = Path(f"/sys/fs/cgroup{bus.manager('ControlGroup')}/init.scope/cgroup.procs")
    pids = [int(text) for text in scope.read_text().split()]
    (pid,) = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "systemd\n"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(NoUserManager, match="does not answer"):
            Bus.open()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - began < 15
