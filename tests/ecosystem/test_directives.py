"""``unit``: what is taken as a directive, what is refused and where."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.directive_versions import CAME, NEWEST, WENT
from pm2sd.ecosystem.options import OPTIONS
from pm2sd.ecosystem.options.directives import MANAGED
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.errors import Problem
from pm2sd.notes import Fidelity, Note
from pm2sd.systemd.machine import ThisMachine
from tests.ecosystem.resolving.world import World


def problems(yaml: str) -> list[Problem]:
    source = read_yaml(Places("ecosystem.yaml", f"script: a.js\nunit: {yaml}\n"), None)
    _, found = declare(source.root, source)
    return found


def lines(yaml: str) -> object:
    source = read_yaml(Places("ecosystem.yaml", f"script: a.js\nunit: {yaml}\n"), None)
    declared, found = declare(source.root, source)
    assert found == []
    return declared.values["unit"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{Service: {LimitNOFILE: 65535}}", {"Service": ("LimitNOFILE=65535",)}),
        ("{Service: {CPUWeight: 1e2}}", {"Service": ("CPUWeight=100",)}),
        ("{Service: {PrivateTmp: true}}", {"Service": ("PrivateTmp=yes",)}),
        ("{Service: {PrivateTmp: false}}", {"Service": ("PrivateTmp=no",)}),
        ("{Service: {ReadWritePaths: null}}", {"Service": ("ReadWritePaths=",)}),
        (
            '{Unit: {After: [a.service, "b@%i.service"]}}',
            {"Unit": ("After=a.service", "After=b@%i.service")},
        ),
        (
            """{Service: {ExecStartPost: '/bin/echo "a  b" %n $$x'}}""",
            {"Service": ('ExecStartPost=/bin/echo "a  b" %n $$x',)},
        ),
        ("{Unit: {X-Note: é}, Service: {}}", {"Unit": ("X-Note=é",)}),
    ],
)
def test_directives_are_taken_as_they_are(written: str, expected: object) -> None:
    assert lines(written) == expected


@pytest.mark.parametrize(
    ("written", "message", "hint", "column"),
    [
        ("{Install: {Alias: x}}", "no section 'Install'", "Unit and Service", 8),
        ("{service: {Nice: 1}}", "no section 'service'", "did you mean Service?", 8),
        ("{Service: 5}", "expected an object of directives; got 5", "write Service:", 17),
        ("{Service: {limit: 1}}", "'limit' is no name of a directive", "LimitNOFILE", 18),
        ('{Service: {"A=B\\nC": 1}}', "is no name of a directive", "LimitNOFILE", 18),
        ("{Service: {ExecStart: /bin/true}}", "ExecStart= is written by pm2sd", "script", 18),
        ("{Service: {Slice: a.slice}}", "Slice= is written by pm2sd", "nothing else", 18),
        ('{Service: {IPAccounting: "a\\nUser=x"}}', "line break", None, 32),
        ('{Service: {X-A: "a\\r"}}', "line break", None, 23),
        ('{Service: {X-A: "a\\\\"}}', "ends in a backslash", None, 23),
        ('{Service: {X-A: "\\0"}}', "NUL", None, 23),
        ("{Service: {X-A: {b: c}}}", "expected a value of a directive", None, 23),
        ("{Service: {X-A: [1, [2]]}}", "expected a value of a directive", None, 27),
        ("[a]", "expected an object of sections", None, 7),
    ],
)
def test_a_mistake_is_told_at_its_place(
    written: str, message: str, hint: str | None, column: int
) -> None:
    (problem,) = problems(written)
    assert message in problem.message
    assert (hint or "") in (problem.hint or "")
    assert problem.where is not None
    assert (problem.where.line, problem.where.column) == (2, column)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems('{Unit: {a: 1, Description: x}, Service: {User: root, X-A: "\\n"}}')) == 4


def test_a_directive_that_systemd_does_not_know_is_told(world: World) -> None:
    world.program("node")
    world.write("app.js")
    unit: dict[str, object] = {
        "Unit": {"X-Mine": 1, "Documentation": "x"},
        "Service": {"LimitNOFILES": 5, "Q": 1},
    }
    resolved = world.resolve(script="app.js", unit=unit)
    assert [(one.where.key, one.message, one.hint) for one in resolved.problems if one.where] == [
        (
            "apps[0].unit.Service.LimitNOFILES",
            "this systemd knows no LimitNOFILES= in [Service]",
            "did you mean LimitNOFILE?",
        ),
        (
            "apps[0].unit.Service.Q",
            "this systemd knows no Q= in [Service]",
            "man systemd.directives lists them",
        ),
    ]


@pytest.mark.parametrize(
    ("section", "name", "target", "hint"),
    [
        # World's systemd knows LimitNOFILE=, and no RestartMode=.
        ("Service", "LimitNOFILE", 249, None),
        ("Service", "LimitNOFILE", 262, None),
        ("Service", "RestartMode", 254, None),
        ("Service", "RestartMode", 253, "it came with systemd 254"),
        ("Service", "RestartMode", None, "it came with systemd 254"),
        ("Unit", "RestartMode", 254, "man systemd.directives lists them"),
        ("Service", "MemoryLimit", 257, None),
        ("Service", "MemoryLimit", 258, "it went with systemd 258"),
        ("Service", "LimitNOFILES", 249, "did you mean LimitNOFILE?"),
        ("Service", "LimitNOFILES", NEWEST, "did you mean LimitNOFILE?"),
    ],
)
def test_of_another_machine_the_version_counts(
    world: World, section: str, name: str, target: int | None, hint: str | None
) -> None:
    world.program("node")
    world.write("app.js")
    world.target = target
    resolved = world.resolve(script="app.js", unit={section: {name: 1}})
    which = f"systemd {target}" if target else "this systemd"
    said = [(one.message, one.hint) for one in resolved.problems]
    assert said == ([(f"{which} knows no {name}= in [{section}]", hint)] if hint else [])
    assert resolved.notes == ()


def test_what_nobody_can_know_of_a_version_to_come_is_noted(world: World) -> None:
    world.program("node")
    world.write("app.js")
    world.target = NEWEST + 1
    resolved = world.resolve(script="app.js", unit={"Service": {"Levitate": 1, "LimitNOFILE": 1}})
    assert resolved.problems == ()
    assert resolved.notes == (
        Note(
            "unit",
            Fidelity.APPROXIMATE,
            f"nothing here tells whether systemd {NEWEST + 1} knows Levitate=",
        ),
    )


@pytest.mark.skipif(not shutil.which("systemctl"), reason="needs systemd")
@pytest.mark.parametrize("section", CAME)
def test_the_table_of_versions_agrees_with_the_systemd_of_this_machine(section: str) -> None:
    told = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=True)
    version = int(told.stdout.split()[1])
    known = ThisMachine().directives(section)
    assert known
    wrong = {
        name: came
        for name, came in CAME[section].items()
        if version <= NEWEST and (came <= version) is not (name in known)
    }
    assert wrong == {}
    assert {name for name, went in WENT[section].items() if went > version} <= known


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_option_named_instead_exists() -> None:
    named = {option for section in MANAGED.values() for option in section.values() if option}
    assert named <= {option.name for option in OPTIONS}
