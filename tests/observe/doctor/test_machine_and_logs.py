"""Judgements on facts that no test can bring about on the machine it runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.errors import NoUserManager
from pm2sd.observe.doctor.examine import judge, worst
from pm2sd.observe.doctor.facts import AppFacts, Events, Facts, LogFile, Machine, Manager, UnitState
from pm2sd.observe.doctor.model import Finding, Fix, Result, Status
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd.file_systems import FileSystem
from pm2sd.systemd.inotify_use import InotifyUse
from pm2sd.systemd.journal_storage import Storage

MIB = 1 << 20
JOURNAL = Storage("/var/log/journal/x", persistent=True, own=True, readable=True, size=8 * MIB)
MACHINE = Machine(
    user="ann",
    uid=1000,
    booted=True,
    system=False,
    runtime_variable="/run/user/1000",
    runtime_directory="/run/user/1000",
    bus_socket=True,
    lingers=True,
    synchronised=True,
    file_systems=(),
    inotify=None,
    pm2=(),
    pm2_at_boot=None,
    unit_directory="/home/ann/.config/systemd/user",
)
MANAGER = Manager(
    version="257.1",
    number=257,
    state="running",
    controllers=frozenset({"cpu", "memory", "pids"}),
    kernel_controllers=frozenset({"cpu", "io", "memory", "pids"}),
    moved=0.0,
)


def app(**options: Any) -> AppFacts:
    """An app called ``web`` that is well."""
    one = App(name="web", script="web.js", command=("/usr/bin/node", "web.js"), cwd="/", **options)
    stored = StoredApp("web", "default", "fork", (0,), {}, {})
    return AppFacts(
        stored=stored,
        app=one,
        units=(UnitState(name="web@0.service", load="loaded", active="active", sub="running"),),
        enabled=True,
        edited=(),
        drop_ins=(),
        missing=(),
        stale_helpers=(),
        exposed=(),
        source_missing=False,
        source_changed=False,
        log_files=(),
        ports=(),
        last_lines=(),
        exposure=None,
    )


def facts(**changes: Any) -> Facts:
    """A machine on which all is well, but for the changes, which may be of Machine or Manager."""
    of = {"machine": MACHINE, "manager": MANAGER, "journal": JOURNAL}
    for name, value in list(changes.items()):
        for whose in ("machine", "manager", "journal"):
            if name in type(of[whose]).__dataclass_fields__ and name != whose:  # type: ignore[attr-defined]
                of[whose] = replace(of[whose], **{name: changes.pop(name, value)})  # type: ignore[type-var]
                break
    values: dict[str, Any] = {**of, "absence": None, "events": Events(suppressed=0), "apps": ()}
    return Facts(**(values | changes))


def of(check: str, found: list[Result]) -> list[Finding]:
    """The findings of one check."""
    return [one.finding for one in found if one.check == check]


def the(check: str, **changes: Any) -> Finding:
    """The only finding of a check."""
    (finding,) = of(check, judge(facts(**changes)))
    return finding


def test_where_all_is_well_nothing_is_warned_of() -> None:
    found = judge(facts(apps=(app(max_memory_restart=100 * MIB),)))
    assert worst(found) is Status.OK, found


def test_without_lingering() -> None:
    found = the("linger", lingers=False)
    assert (found.status, found.hint) == (Status.WARN, "sudo loginctl enable-linger ann")
    assert found.fix == Fix("enable-linger", ("ann",))


def test_of_the_machines_manager_nothing_is_said_that_only_a_users_has() -> None:
    found = judge(facts(system=True, lingers=False, bus_socket=False, runtime_variable=None))
    assert found[0].finding.message == "the machine's systemd answers"
    assert not {"linger", "user-bus", "runtime-dir"} & {one.check for one in found}
    assert worst(found) is Status.OK, found


def test_without_systemd_there_is_the_diagnosis_and_nothing_of_what_it_would_do() -> None:
    absence = NoUserManager("systemd is not running here", hint="run pm2sd on the host")
    found = judge(facts(booted=False, manager=None, absence=absence, lingers=False))
    assert found[0].finding == Finding(
        status=Status.FAIL, message="systemd is not running here", hint="run pm2sd on the host"
    )
    assert not {"linger", "journal", "runtime-dir", "failed"} & {one.check for one in found}


def test_a_limit_without_its_controller() -> None:
    lacking = frozenset({"cpu", "pids"})
    limited = app(max_memory_restart=100 * MIB)
    found = the("controllers", controllers=lacking, apps=(limited,))
    assert found.status is Status.WARN
    assert "nothing enforces max_memory_restart of web" in found.message
    assert "Delegate=" in found.hint
    assert the("controllers", controllers=lacking, apps=(app(),)).status is Status.INFO


@pytest.mark.parametrize(
    ("journal", "status", "words"),
    [
        (Storage("", False, False, False, 0), Status.WARN, "there is no journal"),
        (replace(JOURNAL, persistent=False), Status.WARN, "in memory"),
        (replace(JOURNAL, own=False, readable=False), Status.WARN, "cannot read the journal"),
        (JOURNAL, Status.OK, "can be read"),
    ],
)
def test_the_journal(journal: Storage, status: Status, words: str) -> None:
    found = the("journal", journal=journal)
    assert found.status is status
    assert words in found.message


def test_the_size_of_the_journal() -> None:
    assert the("journal-size").message == "ann's journal takes 8 MiB in /var/log/journal/x"
    assert the("journal-size", size=5000 * MIB).status is Status.WARN


def test_lines_that_journald_dropped() -> None:
    assert "dropped 300 lines" in the("journal-dropped", events=Events(suppressed=300)).message
    unknown = the("journal-dropped", events=Events(suppressed=None))
    assert (unknown.status, unknown.hint) == (Status.INFO, "sudo usermod -aG systemd-journal ann")


def test_what_a_journal_that_cannot_be_read_would_tell_is_not_said_to_be_well() -> None:
    found = judge(facts(events=Events(problem="no journal to read"), apps=(app(),)))
    for check in ("flapping", "oom", "journal-dropped"):
        assert [one.status for one in of(check, found)] == [Status.INFO], check


def test_a_slow_loop_of_restarts_that_status_does_not_mark() -> None:
    unit = "web@0.service"
    few = Events(restarts={unit: 19}, recent={unit: 4}, suppressed=0)
    assert the("flapping", events=few, apps=(app(),)).status is Status.OK
    many = Events(restarts={unit: 20}, recent={unit: 1}, suppressed=0)
    found = the("flapping", events=many, apps=(app(),))
    assert "1 times within the last hour, 20 within the last day" in found.message


def test_kills_for_want_of_memory() -> None:
    events = Events(ooms={"web@0.service": 3}, suppressed=0)
    found = the("oom", events=events, apps=(app(max_memory_restart=100 * MIB),))
    assert found.status is Status.WARN
    assert "3 times within the last day; max_memory_restart is 100M" in found.message


def test_the_clock() -> None:
    assert the("clock", synchronised=False).hint == "sudo timedatectl set-ntp true"
    assert the("clock", synchronised=None).status is Status.INFO
    assert "set by -3600 s" in the("clock", moved=-3600.0).message
    assert the("clock", moved=3.0).status is Status.OK


@pytest.mark.parametrize(
    ("free", "free_inodes", "read_only", "status", "words"),
    [
        (50 * MIB, 500, False, Status.OK, "room"),
        (9 * MIB, 500, False, Status.WARN, "9% of its bytes left, 9 MiB"),
        (0, 500, False, Status.FAIL, "0% of its bytes"),
        (50 * MIB, 4, False, Status.FAIL, "0% of its inodes"),
        (50 * MIB, 500, True, Status.FAIL, "read-only"),
    ],
)
def test_disks(free: int, free_inodes: int, read_only: bool, status: Status, words: str) -> None:
    one = FileSystem("/var", 100 * MIB, free, 1000, free_inodes, read_only)
    found = the("disk", file_systems=(one,))
    assert found.status is status
    assert words in found.message


def test_inotify() -> None:
    assert the("inotify", inotify=InotifyUse(10, 128, 50, 8192)).status is Status.OK
    few = the("inotify", inotify=InotifyUse(110, 128, 50, 8192))
    assert (few.status, few.hint) == (
        Status.WARN,
        "sudo sysctl fs.inotify.max_user_instances=512",
    )
    assert the("inotify", inotify=InotifyUse(10, 128, 8192, 8192)).status is Status.FAIL


def test_a_log_file_that_logrotate_knows_may_be_large() -> None:
    large = LogFile("/var/log/web.log", 500 * MIB, rotated=True)
    assert the("log-files", apps=(replace(app(), log_files=(large,)),)).status is Status.OK
    found = the("log-files", apps=(replace(app(), log_files=(replace(large, rotated=False),)),))
    assert (found.status, found.app) == (Status.WARN, "web")


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (247, Status.WARN, "tested with 252"),
        (252, Status.INFO, "RestartSteps= come with 254"),
        (257, Status.OK, "systemd v"),
    ],
)
def test_what_a_version_lacks(number: int, status: Status, words: str) -> None:
    found = the("systemd", number=number, version=f"v{number}")
    assert found.status is status
    assert words in found.message.replace("(", "").replace(")", "")
