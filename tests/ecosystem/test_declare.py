from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.options import OPTIONS
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.errors import Location, Problem
from pm2sd.notes import Fidelity


def declared(text: str) -> tuple[Declared, list[Problem]]:
    source = read_yaml(Places("eco.yaml", dedent(text)), None)
    return declare(source.root, source)


def accepted(text: str) -> Declared:
    result, problems = declared("script: a.js\n" + dedent(text))
    assert problems == []
    return result


def noted(text: str) -> dict[str, Fidelity]:
    return {note.option: note.fidelity for note in accepted(text).notes}


def test_values_stand_under_their_canonical_names() -> None:
    app = accepted("""
        exec_interpreter: python3
        killTimeout: 5s
        err: e.log
        env: {PORT: 3000}
        env_production: {PORT: 80}
    """)
    assert app.values == {
        "script": "a.js",
        "interpreter": "python3",
        "kill_timeout": 5000,
        "error_file": "e.log",
        "env": {"PORT": "3000"},
        "env_production": {"PORT": "80"},
    }
    assert app.place("kill_timeout") == Location("eco.yaml", 4, 14)
    assert app.place("cwd") == app.where == Location("eco.yaml", 1, 1)


def test_all_mistakes_are_told_with_their_places() -> None:
    _, problems = declared("""\
        script: a.js
        instances: many
        kill_timeout: soon
        autorestat: false
        env:
          A=B: 1
          GOOD: 2
        stop_exit_codes: [0, 300]
    """)
    told = [(str(problem.where), problem.message, problem.source) for problem in problems]
    assert told == [
        (
            "eco.yaml:2:12",
            'instances: expected a whole number, or "max"; got "many"',
            "instances: many",
        ),
        (
            "eco.yaml:3:15",
            'kill_timeout: expected milliseconds, or a string such as 10s; got "soon"',
            "kill_timeout: soon",
        ),
        ("eco.yaml:4:1", "no option is called 'autorestat'", "autorestat: false"),
        (
            "eco.yaml:6:3",
            "env: 'A=B' is no name of a variable (empty, or with '=' or NUL in it)",
            "  A=B: 1",
        ),
        (
            "eco.yaml:8:22",
            "stop_exit_codes: expected an exit code from 0 to 255; got 300",
            "stop_exit_codes: [0, 300]",
        ),
    ]
    assert problems[2].hint == "did you mean 'autorestart'?"


def test_messages_name_the_key_as_it_was_written() -> None:
    _, problems = declared("script: a\nmaxRestarts: x")
    assert problems[0].message.startswith("maxRestarts: ")


def test_what_is_wrong_is_no_value_but_has_a_place() -> None:
    app, _ = declared("script: a\ncwd: 5")
    assert "cwd" not in app.values
    assert app.place("cwd") == Location("eco.yaml", 2, 6)


@pytest.mark.parametrize("text", ["[]", "5", "app.js", "null"])
def test_an_app_is_an_object(text: str) -> None:
    _, problems = declared(text)
    assert [problem.message.split(";")[0] for problem in problems] == ["expected an app"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: api", "the app 'api' has no script"),
        ("{}", "the app has no script"),
        ("script: ''", "the app has no script"),
        ("script: null", "the app has no script"),
    ],
)
def test_an_app_needs_a_script(text: str, message: str) -> None:
    _, problems = declared(text)
    assert [problem.message for problem in problems] == [message]


@pytest.mark.parametrize("key", ["exec", "cmd", "command"])
def test_a_script_has_other_names(key: str) -> None:
    app, problems = declared(f"{key}: a.js")
    assert (app.values, problems) == ({"script": "a.js"}, [])


# ---- keys


def test_an_option_written_twice_with_different_values_is_a_problem_at_both_places() -> None:
    _, problems = declared("script: a\nerr_file: one\nerror_file: two")
    assert [problem.message for problem in problems] == [
        "'error_file' and 'err_file' are the same option, with different values"
    ]
    assert problems[0].where == Location("eco.yaml", 3, 1)
    assert problems[0].hint == "the other one is at eco.yaml:2:1; keep one"


def test_an_option_written_twice_with_one_value_is_taken() -> None:
    assert accepted("merge_logs: true\ncombine_logs: true").values["merge_logs"] is True


def test_an_unset_alias_does_not_count_as_a_second_time() -> None:
    assert accepted("node_args: ''\ninterpreter_args: -u").values["node_args"] == ("-u",)


def test_an_unknown_key_is_noted() -> None:
    assert noted("pre_start: x\ndependency: [y]") == {
        "pre_start": Fidelity.NO_EFFECT,
        "dependency": Fidelity.NO_EFFECT,
    }


@pytest.mark.parametrize("key", ["_comment", "//", "// watch", "x-common", "$schema"])
def test_keys_set_aside_are_not_mentioned(key: str) -> None:
    assert accepted(f"{key!r}: 1").notes == ()


# ---- what PM2 takes for unset


@pytest.mark.parametrize(
    "line",
    [
        "name: null",
        "name: ''",
        "cwd: ''",
        "namespace: ''",
        "port: ''",
        "user: ''",
        "watch: ''",
        "log_date_format: false",
        "log_file: false",
        "error_file: false",
        "max_memory_restart: false",
        "max_memory_restart: 0",
        "max_memory_restart: '0'",
        "exp_backoff_restart_delay: 0",
        "cron_restart: 0",
        "cron_restart: '0'",
        "instances: null",
        "env: null",
        "env_production: null",
    ],
)
def test_what_pm2_takes_for_unset_is_unset(line: str) -> None:
    app = accepted(line)
    assert app.values == {"script": "a.js"}
    assert app.notes == ()


@pytest.mark.parametrize("option", ["max_restarts", "kill_timeout", "listen_timeout", "min_uptime"])
def test_a_zero_that_pm2_loses_is_told(option: str) -> None:
    app = accepted(f"{option}: 0")
    assert option not in app.values
    ((note),) = app.notes
    assert (note.option, note.fidelity) == (option, Fidelity.APPROXIMATE)
    assert "as in PM2" in note.text


def test_exit_code_zero_counts() -> None:
    app = accepted("stop_exit_codes: 0")
    assert app.values["stop_exit_codes"] == (0,)
    assert [note.fidelity for note in app.notes] == [Fidelity.BETTER]
    assert noted("stop_exit_codes: [0]") == {}
    assert noted("stop_exit_codes: '0'") == {}


@pytest.mark.parametrize("line", ["autorestart: 0", "autorestart: ''", "name: false", "time: 0"])
def test_a_single_word_keeps_its_false_values(line: str) -> None:
    _, problems = declared(f"script: a\n{line}")
    assert len(problems) == 1


# ---- notes


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("watch: false", {}),
        ("watch: true", {}),
        ("ignore_watch: [logs]", {}),
        ("watch: false\nignore_watch: [logs]", {}),
        ("cron: 0 3 * * *", {}),
        ("vizion: false", {}),
        ("vizion: true", {"vizion": Fidelity.NO_EFFECT}),
        ("pmx: 'false'", {}),
        ("exec_mode: fork", {}),
        ("exec_mode: cluster", {}),
        ("shutdown_with_message: false", {}),
        ("shutdown_with_message: true", {}),
        ("log_type: raw", {}),
        ("time: true\nlog_date_format: YYYY", {}),
        ("time: true\nerr_log: e.log", {"time": Fidelity.APPROXIMATE}),
        ("post_update: [npm install]", {"post_update": Fidelity.NO_EFFECT}),
        ("log_type: json", {"log_type": Fidelity.APPROXIMATE}),
        ("health: http://localhost/", {}),
        ("max_memory_restart: 300M\nkill_signal: TERM\nsecrets: {A: b}", {}),
    ],
)
def test_notes_say_what_is_missing(text: str, notes: dict[str, Fidelity]) -> None:
    assert noted(text) == notes


# ---- anything


KEYS = st.sampled_from([key for option in OPTIONS for key in option.spellings]) | st.text()
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


def nodes(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        st.lists(children, max_size=3).map(tuple) | st.dictionaries(KEYS, children, max_size=3),
        st.just(Location("x")),
    )


ANYTHING = st.recursive(st.builds(Node, LEAVES, st.just(Location("x"))), nodes)


@given(st.dictionaries(KEYS, ANYTHING, max_size=5))
def test_any_app_is_declared_or_has_problems(entries: dict[str, Any]) -> None:
    root = Node(entries, Location("x"))
    app, problems = declare(root, Source("x", None, "", root))
    assert problems or "script" in app.values
    assert all(problem.message and problem.where for problem in problems)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a", {"a": "started"}),
        ("[a, b]", {"a": "started", "b": "started"}),
        (
            "{a: ready, b: null, c: {}, d: {condition: ready}}",
            {"a": "ready", "b": "started", "c": "started", "d": "ready"},
        ),
    ],
)
def test_dependencies(written: str, value: object) -> None:
    assert accepted(f"depends_on: {written}").values["depends_on"] == value


@pytest.mark.parametrize(
    ("written", "message", "column"),
    [
        ("5", "expected a list of apps", 13),
        ("[a, 5]", "expected the name of an app; got 5", 17),
        ("{a: healthy}", 'expected started or ready; got "healthy"', 17),
        ("{a: {condition: up}}", 'expected started or ready; got "up"', 29),
        ("{a: {restart: true}}", "'restart' is not known here", 27),
    ],
)
def test_mistakes_in_dependencies(written: str, message: str, column: int) -> None:
    _, problems = declared(f"script: a.js\ndepends_on: {written}\n")
    (problem,) = problems
    assert message in problem.message
    assert problem.where == Location("eco.yaml", 2, column)


@pytest.mark.parametrize(
    ("written", "message", "column"),
    [
        ("on_failure: 5", "expected a command, a list of a program", 13),
        ("on_failure: http://", "expected a URL such as", 13),
        ("on_failure: https://me:pw@x.org/", "expected a URL such as", 13),
        ("on_failure: {uri: http://x}", "'uri' is not known here", 14),
        ("on_failure: {headers: {a: b}}", "url is missing", 13),
        ("on_failure: {url: ftp://x}", "url: expected a URL such as", 19),
        ("on_failure: {url: http://x, headers: {a b: c}}", "'a b' is no name of a header", 39),
        ("alerts: 5", "expected an object with restarts, memory or down", 9),
        ("alerts: {}", "expected an object with restarts, memory or down", 9),
        ("alerts: {notify: echo}", "expected an object with restarts, memory or down", 9),
        ("alerts: {restart: 1/1h}", "'restart' is not known here", 10),
        ("alerts: {restarts: 10}", "restarts: expected a number of restarts and a time", 20),
        ("alerts: {restarts: 10/1d}", "restarts: expected a number of restarts", 20),
        ("alerts: {restarts: 10/5s}", "restarts: expected a time from 1m to 24h", 20),
        ("alerts: {memory: 900%}", "memory: expected from 1% to 100%", 18),
        ("alerts: {memory: lots}", "memory: expected a part of max_memory_restart", 18),
        ("alerts: {down: 1s}", "down: expected milliseconds from 10000", 16),
        ("alerts: {down: 2m, notify: {url: x}}", "notify: url: expected a URL", 34),
        ("log_rotate: true", "expected an object with files", 13),
        ("log_rotate: {signal: SIGHUP}", "files is missing", 13),
        ("log_rotate: {files: []}", "files: expected paths of log files", 21),
        ("log_rotate: {files: a, signal: SIGNOT}", "signal: expected a signal", 32),
    ],
)
def test_mistakes_in_what_is_told_and_rotated(written: str, message: str, column: int) -> None:
    _, problems = declared(f"script: a.js\n{written}\n")
    assert message in problems[0].message, problems
    assert problems[0].where == Location("eco.yaml", 2, column)
