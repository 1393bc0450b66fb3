from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pm2sd.ecosystem.js_tokens import BadSyntax
from pm2sd.moving.inspected import parse

NODE = shutil.which("node")
INSPECT = """
const data = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(require('util').inspect(data, false, null, false));
"""

TEXT = st.text(
    st.one_of(
        st.sampled_from("'\"`\\\n\r\t${}#, +.:[]1a "),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=25,
)


def inspect(value: object) -> str:
    assert NODE
    done = subprocess.run(
        [NODE, "-e", INSPECT], input=json.dumps(value).encode(), capture_output=True, check=True
    )
    return done.stdout.decode()


@pytest.mark.skipif(NODE is None, reason="there is no node")
@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=8, max_size=12))
def test_reads_what_node_prints(value: list[object]) -> None:
    value = [{"value": item} for item in value]
    assert parse(inspect(value)) == without_proto(value)


def without_proto(value: object) -> object:
    """JSON.parse makes a property of ``__proto__``; inspect shows it in brackets."""
    if isinstance(value, dict):
        return {k: without_proto(v) for k, v in value.items() if k != "__proto__"}
    return [without_proto(item) for item in value] if isinstance(value, list) else value


def test_reads_sums_of_strings_and_what_has_no_value() -> None:
    text = "[ { a: 'one\\n' +\n    \"it's\\n\" +\n    `'\"`, b: undefined, c: null } ]"
    assert parse(text) == [{"a": "one\nit's\n'\"", "c": None}]


@pytest.mark.parametrize("text", ["[ 1, ... 3 more items ]", "[ 'aaa'... 9 more characters ]"])
def test_refuses_a_list_with_gaps(text: str) -> None:
    with pytest.raises(BadSyntax, match="leaves out"):
        parse(text)


def test_a_string_may_speak_of_more_items() -> None:
    assert parse("[ '... 3 more items' ]") == ["... 3 more items"]


@pytest.mark.parametrize("text", ["", "[ { a: 1", "[ 1 ] 2", "[ { a 1 } ]", "[ 'x ]"])
def test_refuses_what_is_cut_off(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse(text)
