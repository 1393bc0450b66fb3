"""``unit``: what is taken as a directive, what is refused and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.options import OPTIONS
from pm2sd.ecosystem.options.directives import MANAGED
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.errors import Problem
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


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_option_named_instead_exists() -> None:
    named = {option for section in MANAGED.values() for option in section.values() if option}
    assert named <= {option.name for option in OPTIONS}
