from __future__ import annotations

import json
import math
import shutil
import subprocess
from dataclasses import fields
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pm2sd.ecosystem.app import UNLIMITED_RESTARTS, App
from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options import (
    ENV_BLOCK,
    FLAGS,
    OPTIONS,
    Option,
    find,
    nearest,
)
from pm2sd.ecosystem.options.javascript import json_text, number_text, split_arguments
from pm2sd.ecosystem.options.types import Refused
from pm2sd.errors import Location
from pm2sd.notes import Fidelity

WHERE = Location("test")

# Every key of PM2's own schema (lib/API/schema.json of 7.0.4), and those it reads besides.
PM2_KEYS = """
    script exec cmd command name name_prefix filter_env namespace install_url cwd args
    exec_interpreter interpreter node_args interpreter_args interpreterArgs out_file out output
    out_log error_file error err err_file err_log log_file log disable_logs log_type
    log_date_format time env max_memory_restart pid_file pid restart_delay
    exp_backoff_restart_delay source_map_support disable_source_map_support wait_ready instances
    kill_timeout shutdown_with_message listen_timeout cron_restart cron merge_logs combine_logs
    vizion autostart autorestart stop_exit_codes watch_delay watch ignore_watch watch_options
    min_uptime max_restarts execute_command exec_mode force append_env_to_name post_update trace
    disable_trace v8 event_loop_inspector deep_monitoring increment_var instance_var pmx automation
    treekill port username uid user gid windowsHide kill_retry_time write io exec_timeout km_link
    env_production env_x
"""

# Every flag of pm2's command line that stands for an option (lib/binaries/CLI.js).
PM2_FLAGS = """
    --name -n --interpreter --interpreter-args --node-args --output -o --error -e --log -l
    --filter-env --log-type --log-date-format --time --disable-logs --force -f --instances -i
    --shutdown-with-message --pid -p --kill-timeout -k --listen-timeout --max-memory-restart
    --restart-delay --exp-backoff-restart-delay --execute-command -x --max-restarts --uid --gid
    --namespace --cwd --cron -c --cron-restart --write -w --source-map-support
    --disable-source-map-support --wait-ready --merge-logs --watch --ignore-watch --watch-delay
    --no-vizion --no-autostart --no-autorestart --stop-exit-codes --no-treekill --no-pmx
    --no-automation --trace --disable-trace --v8 --event-loop-inspector --deep-monitoring
"""


def node(value: Any) -> Node:
    match value:
        case list():
            return Node(tuple(map(node, value)), WHERE)
        case dict():
            return Node({key: node(item) for key, item in value.items()}, WHERE)
        case _:
            return Node(value, WHERE)


def parse(option: str, value: Any) -> object:
    row = find(option)
    assert row is not None
    return row.type.parse(node(value))


def refusal(option: str, value: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        parse(option, value)
    return caught.value


# ---- the table


@pytest.mark.parametrize("key", PM2_KEYS.split())
def test_every_option_of_pm2_has_a_row(key: str) -> None:
    assert find(key) is not None


@pytest.mark.parametrize("flag", PM2_FLAGS.split())
def test_every_flag_of_pm2_stands_for_a_row(flag: str) -> None:
    assert flag in FLAGS


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_spelling_finds_its_row(option: Option) -> None:
    if option is not ENV_BLOCK:
        assert all(find(spelling) is option for spelling in option.spellings)


def test_no_two_rows_share_a_spelling() -> None:
    spellings = [spelling for option in OPTIONS for spelling in option.spellings]
    assert len(spellings) == len(set(spellings))


def test_no_two_rows_share_a_flag() -> None:
    flags = [name for option in OPTIONS for flag in option.flags for name in flag.spellings]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_example_is_the_option_and_parses(option: Option) -> None:
    ((key, value),) = yaml.safe_load(option.example).items()
    assert find(key) is option
    option.type.parse(node(value))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_row_says_what_differs(option: Option) -> None:
    assert option.doc
    assert bool(option.difference) == (option.fidelity is not Fidelity.EXACT)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_default_of_the_table_is_the_default_of_the_app(option: Option) -> None:
    field = next((item for item in fields(App) if item.name == option.name), None)
    if option.default is None or field is None:
        return
    assert option.type.parse(node(option.default)) == field.default


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_constant_of_a_flag_is_a_value_of_its_option(option: Option) -> None:
    for flag in option.flags:
        if flag.constant is not None:
            option.type.parse(node(flag.constant))


def test_env_file_is_an_option_and_no_block() -> None:
    assert find("env_file") is not ENV_BLOCK
    assert find("env_production") is ENV_BLOCK
    assert find("env_") is None
    assert find("envProduction") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("instnaces", "instances"),
        ("instance", "instances"),
        ("max_memory_restrat", "max_memory_restart"),
        ("maxMemoryRestar", "max_memory_restart"),
        ("auto_restart", "autorestart"),
        ("errorfile", "error_file"),
        ("kill-timeout", "kill_timeout"),
        ("nam", "name"),
        ("scripts", "script"),
        ("intrepreter", "interpreter"),
        ("error_files", "error_file"),
    ],
)
def test_a_slip_finds_what_was_meant(typed: str, meant: str) -> None:
    assert nearest(typed) == meant


@pytest.mark.parametrize(
    "key",
    ["monitoring", "backup", "pre_start", "dependency", "health_check", "notify", "apm", "monit"],
)
def test_another_word_is_no_slip(key: str) -> None:
    assert nearest(key) is None


# ---- values


@pytest.mark.parametrize(
    ("option", "written", "value"),
    [
        ("script", "app.js", "app.js"),
        ("autorestart", False, False),
        ("instances", 4, 4),
        ("instances", "4", 4),
        ("instances", -1, -1),
        ("instances", "-1", -1),
        ("instances", "max", "max"),
        ("instances", 0, "max"),
        ("instances", 2.0, 2),
        ("exec_mode", "cluster_mode", "cluster"),
        ("exec_mode", "fork", "fork"),
        ("port", "8080", 8080),
        ("uid", 1000, 1000),
        ("uid", "1000", 1000),
        ("user", "www-data", "www-data"),
        ("kill_timeout", 5000, 5000),
        ("kill_timeout", "5000", 5000),
        ("kill_timeout", "5s", 5000),
        ("min_uptime", "5m", 300_000),
        ("restart_delay", 0, 0),
        ("restart_delay", 99.6, 100),
        ("max_restarts", math.inf, UNLIMITED_RESTARTS),
        ("max_restarts", "Infinity", UNLIMITED_RESTARTS),
        ("max_memory_restart", "300M", 300 * 2**20),
        ("max_memory_restart", 2**30, 2**30),
        ("max_memory_restart", "1073741824", 2**30),
        ("stop_exit_codes", 0, (0,)),
        ("stop_exit_codes", [0, "3", 0], (0, 3)),
        ("stop_exit_codes", "1, 2", (1, 2)),
        ("stop_exit_codes", ["0,3", 4], (0, 3, 4)),
        ("out_file", "NULL", "/dev/null"),
        ("out_file", "logs/a.log", "logs/a.log"),
        ("log_file", True, True),
        ("log_file", "NULL", "/dev/null"),
        ("watch", True, True),
        ("watch", "a b", ("a b",)),
        ("watch", ["src", "lib"], ("src", "lib")),
        ("ignore_watch", "a b", ("a", "b")),
        ("filter_env", True, True),
        ("filter_env", "A", ("A",)),
        ("filter_env", ["A", "B"], ("A", "B")),
        ("inherit_env", ["LANG"], ("LANG",)),
        ("pmx", "false", False),
        ("kill_signal", "SIGTERM", "SIGTERM"),
        ("kill_signal", "term", "SIGTERM"),
        ("kill_signal", 15, "SIGTERM"),
        ("kill_signal", "15", "SIGTERM"),
        ("args", "-p 3000", ("-p", "3000")),
        ("args", ["-p", 3000, True, 1.5, "", "a b"], ("-p", "3000", "true", "1.5", "", "a b")),
        ("node_args", "", ()),
        ("io", {"conf": {"tracing": False}}, {"conf": {"tracing": False}}),
        ("listen", 3000, ("3000",)),
        ("listen", "3000", ("3000",)),
        ("listen", "*:3000", ("3000",)),
        ("listen", ":3000", ("3000",)),
        ("listen", "localhost:3000", ("127.0.0.1:3000",)),
        ("listen", "[0:0::1]:3000", ("[::1]:3000",)),
        ("listen", [80, "127.0.0.1:81", "/run/a b.sock"], ("80", "127.0.0.1:81", "/run/a b.sock")),
        ("backlog", 1024, 1024),
        ("reuse_port", True, True),
    ],
)
def test_values(option: str, written: Any, value: object) -> None:
    parsed = parse(option, written)
    assert (type(parsed), parsed) == (type(value), value)


@pytest.mark.parametrize(
    ("option", "written", "says"),
    [
        ("name", 455, "a name"),
        ("script", ["a"], "a list"),
        ("cwd", "a\0b", "NUL"),
        ("autorestart", "true", "true or false"),
        ("autorestart", 1, "true or false"),
        ("instances", "many", "max"),
        ("instances", 2.5, "whole number"),
        ("instances", True, "whole number"),
        ("instances", 10**9, "at most"),
        ("exec_mode", "Fork", "fork or cluster"),
        ("exec_mode", ["fork"], "fork or cluster"),
        ("port", 65536, "from 0 to 65535"),
        ("port", -1, "from 0 to 65535"),
        ("port", 80.5, "a port"),
        ("kill_timeout", "soon", "milliseconds"),
        ("kill_timeout", -5, "from 1"),
        ("kill_timeout", True, "milliseconds"),
        ("kill_timeout", math.inf, "milliseconds"),
        ("kill_timeout", math.nan, "milliseconds"),
        ("kill_timeout", 1e300, "milliseconds"),
        ("min_uptime", 50, "from 100"),
        ("max_restarts", -1, "from 1"),
        ("max_restarts", "0", "from 1"),
        ("max_memory_restart", "1P", "bytes"),
        ("max_memory_restart", 300, "at least 1M"),
        ("max_memory_restart", math.inf, "at least 1M"),
        ("stop_exit_codes", 256, "0 to 255"),
        ("stop_exit_codes", [0, "x"], "0 to 255"),
        ("stop_exit_codes", {}, "0 to 255"),
        ("stop_exit_codes", ["0,x"], "0 to 255"),
        ("args", 5, "arguments"),
        ("args", [None], "string"),
        ("args", [["a"]], "string"),
        ("args", "a\0", "NUL"),
        ("args", ["x" * 131_072], "131072 bytes"),
        ("env", "A=1", "object"),
        ("env", [1], "object"),
        ("env", {"A=B": 1}, "'A=B'"),
        ("env", {"": 1}, "''"),
        ("env", {"A": "x\0"}, "variable A"),
        ("env", {"A": "x" * 131_070}, "131072 bytes"),
        ("env", {"A": "\ud800"}, "surrogate"),
        ("increment_var", "A=B", "environment variable"),
        ("inherit_env", ["A=B"], "'A=B'"),
        ("kill_signal", "SIGNOPE", "signal"),
        ("kill_signal", 0, "signal"),
        ("log_file", 5, "a path, or true"),
        ("log_type", "xml", "json or raw"),
        ("watch", 5, "a list of paths"),
        ("watch", [{}], "string in the list"),
        ("uid", -1, "name or number"),
        ("uid", True, "name or number"),
        ("nice", 20, "from -20 to 19"),
    ],
)
def test_refused_values(option: str, written: Any, says: str) -> None:
    assert says in refusal(option, written).faults[0].message


def test_a_small_memory_limit_was_meant_in_megabytes() -> None:
    assert refusal("max_memory_restart", 300).faults[0].hint == (
        "a plain number is bytes; did you mean 300M?"
    )


def test_a_quoted_boolean_is_told_to_lose_its_quotes() -> None:
    assert refusal("wait_ready", "true").faults[0].hint == "write true without quotes"


def test_every_fault_of_a_list_is_told_at_its_element() -> None:
    codes = node([0, 300, "x"])
    with pytest.raises(Refused) as caught:
        find("stop_exit_codes").type.parse(codes)  # type: ignore[union-attr]
    assert isinstance(codes.value, tuple)
    assert [fault.node for fault in caught.value.faults] == list(codes.value[1:])


def test_every_fault_of_an_environment_is_told() -> None:
    assert len(refusal("env", {"A=": 1, "B": "\0", "C": 1}).faults) == 2


def test_environment_values_are_those_of_javascript() -> None:
    assert parse(
        "env",
        {
            "PORT": 3000,
            "RATE": 1.5,
            "HUGE": 1e21,
            "DEBUG": True,
            "OFF": False,
            "GONE": None,
            "EMPTY": "",
            "LIST": [1, "a", None, 2.0],
            "OBJECT": {"b": {"ü": "\n"}, "10": 1, "9": []},
        },
    ) == {
        "PORT": "3000",
        "RATE": "1.5",
        "HUGE": "1e+21",
        "DEBUG": "true",
        "OFF": "false",
        "EMPTY": "",
        "LIST": '[1,"a",null,2]',
        "OBJECT": '{"9":[],"10":1,"b":{"ü":"\\n"}}',
    }


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", ()),
        ("  a   b ", ("a", "b")),
        ('a "b c" d', ("a", "b c", "d")),
        ("'x y'", ("x y",)),
        ("k=\"v v\" --x='1 2'", ('k="v v"', "--x='1 2'")),
        ('"" a', ("a",)),
        ('a"b c"d', ('a"b', 'c"d')),
        ('"a\\"b"', ("a\\", 'b"')),
        ("tab\tnew\nline", ("tab", "new", "line")),
        ('"', ()),
        ('"a', ('"a',)),
        ("a\u00a0b\ufeffc", ("a", "b", "c")),
        ("a\x1cb\x85c", ("a\x1cb\x85c",)),
    ],
)
def test_a_string_of_arguments_is_split_as_pm2_splits_it(
    text: str, arguments: tuple[str, ...]
) -> None:
    assert split_arguments(text) == arguments


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(SCALARS, lambda some: st.lists(some) | st.dictionaries(st.text(), some))


@pytest.mark.skipif(shutil.which("node") is None, reason="compares with Node")
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30),
    st.lists(VALUES, max_size=5),
)
def test_numbers_and_json_are_written_as_node_writes_them(
    numbers: list[float], values: list[Any]
) -> None:
    program = """
        const [numbers, values] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
        console.log(JSON.stringify([numbers.map(String), values.map((v) => JSON.stringify(v))]));
    """
    done = subprocess.run(
        ["node", "-e", program],
        input=json.dumps([numbers, values], ensure_ascii=True),
        capture_output=True,
        check=True,
        text=True,
        encoding="utf-8",
    )
    expected_numbers, expected_values = json.loads(done.stdout)
    assert [number_text(number) for number in numbers] == expected_numbers
    assert [json_text(node(value)) for value in values] == expected_values
