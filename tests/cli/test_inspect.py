from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pm2sd.cli.inspect import inspect


def test_one_key_stands_on_one_line_as_scripts_expect() -> None:
    element = {
        "pid": 12,
        "name": "my app",
        "monit": {"memory": 1024, "cpu": 0.5},
        "pm2_env": {
            "status": "online",
            "exec_mode": "fork_mode",
            "restart_time": 1,
            "args": [],
            "node_args": ["--inspect"],
            "NODE_ENV": None,
            "a.b": True,
        },
    }
    assert inspect([element]) == (
        "[\n"
        "  {\n"
        "    pid: 12,\n"
        "    name: 'my app',\n"
        "    monit: { memory: 1024, cpu: 0.5 },\n"
        "    pm2_env: {\n"
        "      status: 'online',\n"
        "      exec_mode: 'fork_mode',\n"
        "      restart_time: 1,\n"
        "      args: [],\n"
        "      node_args: [ '--inspect' ],\n"
        "      NODE_ENV: null,\n"
        "      'a.b': true\n"
        "    }\n"
        "  }\n"
        "]"
    )


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("it's", '"it\'s"'),
        ('it\'s "so"', '`it\'s "so"`'),
        ("'\"`", "'\\'\"`'"),
        ("a\nb\\c\t", "'a\\nb\\\\c\\t'"),
        ("é☃", "'é☃'"),
        ("", "''"),
    ],
)
def test_strings_are_quoted_as_node_does(text: str, literal: str) -> None:
    assert inspect(text) == literal


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@pytest.mark.skipif(not shutil.which("node"), reason="asks Node what the text means")
@settings(max_examples=1, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(VALUES, min_size=150, max_size=150))
def test_the_text_means_the_value_to_node(values: list[Any]) -> None:
    program = (
        "const texts = JSON.parse(require('fs').readFileSync(0));"
        "process.stdout.write(JSON.stringify(texts.map(text => eval('(' + text + ')'))))"
    )
    texts = json.dumps([inspect(_without_proto(value)) for value in values])
    done = subprocess.run(["node", "-e", program], input=texts, capture_output=True, text=True)
    assert done.stderr == ""
    assert json.loads(done.stdout) == [_without_proto(value) for value in values]


def _without_proto(value: Any) -> Any:
    match value:
        case dict():
            return {k: _without_proto(v) for k, v in value.items() if k != "__proto__"}
        case list():
            return [_without_proto(item) for item in value]
        case _:
            return value
