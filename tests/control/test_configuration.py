"""All mistakes of a file at once: those of reading it, of its options, of this machine."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pm2sd.control.configuration import changed, from_flags, load
from pm2sd.ecosystem.app import App
from pm2sd.errors import InvalidConfig

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of this name and text, beside a script called app.js."""
    (tmp_path / "app.js").touch()

    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def mistakes(file: str) -> list[str]:
    """'LINE:COLUMN MESSAGE' of each; every one comes with the line of text it stands on."""
    with pytest.raises(InvalidConfig) as caught:
        load(file)
    found = []
    for problem in caught.value.problems():
        assert problem.where, problem
        assert problem.source is not None, problem
        message = re.split(": [/<]", problem.message)[0]  # the rest is this test's directory
        found.append(f"{problem.where.line}:{problem.where.column} {message}")
    return found


YAML = """\
apps:
  - name: a
    script: app.js
    script: app.js
    instances: many
    name: a
    name: a
    env: {A: .nan, B: 1, B: 2}
  - name: !secret x
    script: missing.js
    depends_on: [nobody]
    max_memory_restart: *limit
    env_production:
      A: !foo 1
      A: 2
  - {script: app.js, name: b}
  - {script: app.js, name: b, args: [!x 1, 2]}
deploy:
  production: {user: a, user: b}
static: [1]
"""
OF_YAML = [
    "4:5 the key 'script' is here twice: first in line 3, column 5",
    '5:16 instances: expected a whole number, or "max"; got "many"',
    "6:5 the key 'name' is here twice: first in line 2, column 5",
    "7:5 the key 'name' is here twice: first in line 2, column 5",
    "8:14 .nan is not a number",
    "8:26 the key 'B' is here twice: first in line 8, column 20",
    "9:11 the tag !secret is not known",
    "10:13 script not found",
    "11:18 no app is called 'nobody'",
    "12:25 there is no anchor &limit before this",
    "14:10 the tag !foo is not known",
    "15:7 the key 'A' is here twice: first in line 14, column 7",
    "17:28 another app is called 'b' already",
    "17:38 the tag !x is not known",
    "19:25 the key 'user' is here twice: first in line 19, column 16",
    "20:10 expected a folder to serve; got a number",
]

JSON = """\
{"apps": [{"name": "a", "script": "missing.js", "instances": "many",
  "kill_timeout": NaN, "name": "b", "max_memory_restart": "1X", "name": "c"}], "deploy": 1}
"""
OF_JSON = [
    "1:35 script not found",
    '1:62 instances: expected a whole number, or "max"; got "many"',
    "2:19 NaN is not a number",
    "2:24 the key 'name' is here twice: first in line 1, column 12",
    '2:59 max_memory_restart: expected bytes, or a string such as 300M or 1G; got "1X"',
    "2:65 the key 'name' is here twice: first in line 1, column 12",
    "2:90 deploy must be an object; it is a number",
]

EXPRESSION = """\
[{"name": "a", "script": "app.js", "kill_timeout": () => 1, "name": "b",
  "max_memory_restart": `${1}X`, "instances": 1 + 1}]
"""
OF_EXPRESSION = [
    "1:52 [0].kill_timeout is a function, which no configuration can hold",
    "1:61 the key 'name' is here twice: first in line 1, column 3",
    '2:25 max_memory_restart: expected bytes, or a string such as 300M or 1G; got "1X"',
]

MODULE = """\
module.exports = {
  apps: [
    {
      script: 'missing.js',
      args: ['a', () => 1],
      env: { A: () => 1, B: NaN },
      instances: 'many',
      max_memory_restart: new Map(),
    },
    { script: () => 1, exec_mode: 'forks' },
    { name: 'x', script: 'app.js', depends_on: ['y'] },
    () => ({}),
  ],
  deploy: { production: { user: Symbol('x') } },
};
"""
OF_MODULE = [
    "4:15 script not found",
    "5:19 apps[0].args[1] is a function, which no configuration can hold",
    "6:17 apps[0].env.A is a function, which no configuration can hold",
    "6:29 apps[0].env.B is NaN, which no configuration can hold",
    '7:18 instances: expected a whole number, or "max"; got "many"',
    "8:27 apps[0].max_memory_restart is a Map, which no configuration can hold",
    "10:15 apps[1].script is a function, which no configuration can hold",
    '10:35 exec_mode: expected fork or cluster; got "forks"',
    "11:49 no app is called 'y'",
    "12:5 apps[3] is a function, which no configuration can hold",
    "14:33 deploy.production.user is a symbol, which no configuration can hold",
]

PACKAGE = """\
{ "name": "p", "name": "q",
  "pm2": {"apps": [{"script": "missing.js", "watch": 5}, {"script": "app.js", "name": 1}]} }
"""
OF_PACKAGE = [
    "1:16 the key 'name' is here twice: first in line 1, column 3",
    "2:31 script not found",
    "2:54 watch: expected true, false, a path, or a list of paths; got 5",
    "2:87 name: expected a name; got 1",
]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ecosystem.yaml", YAML, OF_YAML),
        ("ecosystem.json", JSON, OF_JSON),
        ("expression.json", EXPRESSION, OF_EXPRESSION),
        ("ecosystem.config.js", MODULE, OF_MODULE),
        ("package.json", PACKAGE, OF_PACKAGE),
    ],
)
def test_every_mistake_is_told_in_one_run(
    write: Write, name: str, text: str, expected: list[str]
) -> None:
    assert mistakes(write(name, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [(YAML, OF_YAML), (JSON, OF_JSON), (EXPRESSION, OF_EXPRESSION)]
)
def test_also_from_standard_input(
    write: Write, monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str]
) -> None:
    monkeypatch.chdir(Path(write("unused.yaml", "")).parent)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert mistakes("-") == expected


def test_what_an_alias_shares_is_one_mistake(write: Write) -> None:
    text = """\
x-common: &common {script: app.js, instances: many}
apps:
  - {<<: *common, name: a}
  - {<<: *common, name: b}
"""
    assert mistakes(write("ecosystem.yaml", text)) == [
        '1:47 instances: expected a whole number, or "max"; got "many"'
    ]


def test_after_a_syntax_error_nothing_is_guessed(write: Write) -> None:
    text = "apps:\n  - {name: a, name: b, script: missing.js}\n  - {name: c\n"
    (duplicate, syntax) = mistakes(write("ecosystem.yaml", text))
    assert duplicate == "2:15 the key 'name' is here twice: first in line 2, column 6"
    assert syntax.startswith("4:1 this is not YAML")


def test_mistakes_of_an_env_file_come_after_those_of_the_file(write: Write) -> None:
    write("a.env", "FINE=1\n=2\n")
    text = "\n\n\nscript: app.js\nenv_file: a.env\ninstances: many\n"
    file = write("ecosystem.yaml", text)
    with pytest.raises(InvalidConfig) as caught:
        load(file)
    places = [str(problem.where).rpartition("/")[2] for problem in caught.value.problems()]
    assert places == ["ecosystem.yaml:6:12", "a.env:2:1"]


def known(**options: object) -> App:
    """An app as it is after it was applied from standard input, or started without a file."""
    wanted = from_flags("app.js", {name: ("", value) for name, value in options.items()}, ())
    return App.from_json(wanted.app.to_json())


def test_new_options_go_by_the_variables_that_the_app_has(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(write("ecosystem.yaml", "")).parent)
    monkeypatch.setenv("LANG", "C.UTF-8")
    app = known(
        env={"PORT": "3000", "A": "b"},
        inherit_env=["LANG"],
        exec_mode="cluster",
        instances=2,
        interpreter="/bin/sh",
    )
    served = from_flags("serve", {"env": ("", {"PM2_SERVE_PORT": "3001"})}, ()).app
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/elsewhere:/bin")
    more = {"instances": ("-i", "4")}
    kept, anew = (changed(app, more, None, update_env=anew).app for anew in (False, True))
    assert (kept.env["PORT"], kept.env["A"]) == ("3000", "b")
    assert kept.env == app.env
    assert (anew.env["LANG"], anew.env["PATH"]) == ("de_DE.UTF-8", "/elsewhere:/bin")
    assert anew.env["PORT"] == "3000"
    assert changed(served, more, None, update_env=False).app.listen == ("0.0.0.0:3001",)
