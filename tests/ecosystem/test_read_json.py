"""JSON as PM2 reads it, an expression of JavaScript; with places, and Node only where it must."""

import math

import pytest

from pm2sd.ecosystem.nodes import Node, Plain, Source, plain
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_json import read_json
from pm2sd.errors import InvalidConfig, Problem


@pytest.fixture
def without_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


def source(text: str) -> Source:
    return read_json(Places("f.json", text), None, 10.0)


def value(text: str) -> Plain:
    return plain(source(text).root)


def mistakes(text: str) -> tuple[Problem, ...]:
    try:
        return source(text).problems
    except InvalidConfig as error:
        return error.problems()


def places(
    node: Node, found: dict[str, tuple[str, str]] | None = None
) -> dict[str, tuple[str, str]]:
    """Key -> (place of the key, place of the value)."""
    found = {} if found is None else found
    match node.value:
        case tuple() as items:
            for item in items:
                places(item, found)
        case dict() as members:
            for key, child in members.items():
                found[key] = (str(child.key_where)[7:], str(child.where)[7:])
                places(child, found)
    return found


PLAIN: dict[str, Plain] = {
    "// x\n{/* y */ a: 1, 'b': 2, \"c\": 3, } // z": {"a": 1, "b": 2, "c": 3},
    "[1, 2,]": [1, 2],
    "{$a_1: {}, é: []}": {"$a_1": {}, "é": []},
    "{1: 0, 1.50: 0, 0x1f: 0, 1e21: 0}": {"1": 0, "1.5": 0, "31": 0, "1e+21": 0},
    "[0x1F, 0o17, 0b11, .5, 5., 1e3, 1_000, 10n]": [31, 15, 3, 0.5, 5, 1000, 1000, 10],
    "[+5, -5, - 5, -.5]": [5, -5, -5, -0.5],
    "[true, false, null, undefined]": [True, False, None, None],
    "[Infinity, -Infinity, 1e400]": [math.inf, -math.inf, math.inf],
    "{a: undefined, b: 1}": {"b": 1},
    r"""["\x41\u0042\u{1F600}\n\t\0\/\'\q"]""": ["AB\U0001f600\n\t\0/'q"],
    r"""['it\'s "x"', "\ud83d\ude00"]""": ['it\'s "x"', "\U0001f600"],
    '["a\\\nb", "a\\\r\nb", "\u2028"]': ["ab", "ab", "\u2028"],
    r"[`x 'y' \` \${`, `a" + "\r\n" + "b`]": ["x 'y' ` ${", "a\nb"],
    "12345678901234567890": 12345678901234567890,
}


@pytest.mark.usefixtures("without_node")
@pytest.mark.parametrize(("text", "expected"), PLAIN.items())
def test_what_is_no_expression_takes_no_node(text: str, expected: Plain) -> None:
    assert value(text) == expected


@pytest.mark.usefixtures("without_node")
def test_every_key_and_value_has_its_place() -> None:
    text = '{ // é\r\n  apps: [\r\n    {"n": "\U0001f600", /* x\n */ k :1},\r\n  ],\r\n}'
    found = source(text).root
    assert places(found) == {
        "apps": ("2:3", "2:9"),
        "n": ("3:6", "3:11"),
        "k": ("4:5", "4:8"),
    }


@pytest.mark.usefixtures("without_node")
@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('{"a": 1 "b": 2}', "1:9", "expected ',' or '}', found \"b\""),
        ('{"a" 1}', "1:6", "expected ':' after the key 'a', found 1"),
        ('{"a": }', "1:7", "expected the value of 'a', found }"),
        ("{,}", "1:2", "expected a key or '}', found ,"),
        ("[1,, 2]", "1:4", "expected a value or ']', found ,"),
        ("[1, 2}", "1:6", "expected ',' or ']', found }"),
        ('\n  {"a": [1, 2', "2:9", "this [ is not closed"),
        ('{"a": "x\n"}', "1:7", "this string does not end"),
        ("{a: `x", "1:5", "this template string does not end"),
        ("{a: `${x", "1:5", "this template string does not end"),
        ("{} /* x", "1:4", "this comment does not end"),
        ("{} {}", "1:4", "expected the end after the value, found {"),
        ("a: 1", "1:2", "expected the end after the value, found :"),
        ("# x\n{}", "1:1", "expected a value, found #"),
        ("// only", "1:8", "expected a value, found the end of the text"),
        ("[0123]", "1:2", "0123 has a leading zero, which may mean octal to JavaScript"),
        (r'["\u12"]', "1:3", r"\u is no escape sequence"),
        (r'["\u{110000}"]', "1:3", r"\u{110000} is no character"),
        (r'["\ud83d"]', "1:2", "this string has half a character in it"),
        ("[1_]", "1:3", "expected ',' or ']', found _"),
        ("[\u0663]", "1:2", "expected a value or ']', found \u0663"),
        ("[NaN]", "1:2", "NaN is not a number"),
        ("{a: (1 }", "1:8", "expected ')', found }"),
        ("[" * 5000, "1:101", "this is nested more than 100 deep"),
        ("`${" * 5000, "1:301", "templates are nested more than 100 deep"),
    ],
)
def test_mistakes_are_told_where_they_are(text: str, where: str, message: str) -> None:
    (found,) = mistakes(text)
    assert (str(found.where), found.message) == (f"f.json:{where}", message)
    line = int(where.partition(":")[0])
    assert found.source == text.split("\n")[line - 1]


def test_all_duplicate_keys_are_told_also_among_expressions() -> None:
    found = mistakes('{"a": 1 + 1, "b": {"c": 1,\n"c": 2}, a: 3}')
    assert [str(problem.where) for problem in found] == ["f.json:2:1", "f.json:2:10"]
    assert found[0].message == "the key 'c' is here twice: first in line 1, column 20"


def test_expressions_are_evaluated_and_keep_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PM2SD_TEST_HOME", "/srv")
    text = """[
  {max: 1024 * 1024, cwd: process.env.PM2SD_TEST_HOME + "/x", re: /a\\/b/i},
  ...[{n: 1}], // a spread
]"""
    read = source(text)
    assert plain(read.root) == [{"max": 1048576, "cwd": "/srv/x", "re": "a\\/b"}, {"n": 1}]
    assert read.env_read == ("PM2SD_TEST_HOME",)
    assert places(read.root) == {
        "max": ("2:4", "2:9"),
        "cwd": ("2:22", "2:27"),
        "re": ("2:63", "2:67"),
        "n": ("", " [1].n"),
    }


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('{"a":\n x}', "f.json:2:2", "ReferenceError: x is not defined"),
        ("{a: null.x}", "f.json:1:10", "TypeError: Cannot read properties of null (reading 'x')"),
        ("{a: 1 +}", "f.json:1:8", "SyntaxError: Unexpected token '}'"),
        ("{a: () => 1}", "f.json:1:5", "a is a function, which no configuration can hold"),
        ("module.exports = {}", "f.json:1:1", "ReferenceError: module is not defined"),
    ],
)
def test_what_goes_wrong_in_an_expression_has_its_place(
    text: str, where: str, message: str
) -> None:
    (found,) = mistakes(text)
    assert found.message == message
    assert str(found.where) == where


@pytest.mark.usefixtures("without_node")
def test_an_expression_without_node_is_pointed_at() -> None:
    (found,) = mistakes('{"apps": [{"max": 5,\n "x": 1024 * 2}]}')
    assert str(found.where) == "f.json:2:7"
    assert "there is no Node on PATH" in found.message
