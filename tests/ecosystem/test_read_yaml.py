"""YAML: js-yaml's values, a place for each, and mistakes told where they are.

The expected values were read off js-yaml 4.3.2 (``load`` with its default schema), which is what
PM2 7 uses; where pm2sd means to differ, the test says so.
"""

import math

import pytest

from pm2sd.ecosystem.nodes import Node, Plain, Scalar, plain
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.errors import InvalidConfig

# fmt: off
JS_YAML: dict[str, Scalar] = {
    # null and booleans: three spellings of each, and nothing of YAML 1.1
    **dict.fromkeys(("~", "null", "Null", "NULL", "", "!!null", "!!null null"), None),
    **dict.fromkeys(("true", "True", "TRUE", "!!bool true", '!!bool "true"'), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{word: word for word in ("nUll", "tRUE", "yes", "Yes", "no", "on", "off", "y", "n")},
    # integers
    "0": 0, "-0": 0, "+0": 0, "00": 0, "01": 1, "0123": 123, "08": 8, "089": 89,
    "123": 123, "-5": -5, "+5": 5, "4294967296": 4294967296,
    "0o17": 15, "-0o17": -15, "+0o17": 15, "0x1F": 31, "-0x1f": -31, "0b11": 3,
    **{text: text for text in ("0O17", "0o8", "0o", "0X1F", "0x", "0xg", "0B1", "0b2", "+-5")},
    **{text: text for text in ("1_000", "1__0", "_1", "0_1", "0x_1", "1,000", "٣", "0o٣")},
    **{text: text for text in ("12:30:45", "1:30", "9" * 310, "0x" + "f" * 260, "0b" + "1" * 1030)},
    # floats; what is whole is an integer, as JavaScript has but one kind of number
    "1.": 1, ".5": 0.5, "-.5": "-.5", "+.5": "+.5", "1.5": 1.5, "01.5": 1.5, "1.0": 1,
    "1e3": 1000, "1E3": 1000, "1e+3": 1000, "1e-3": 0.001, "1.e3": 1000, ".5e3": 500,
    "-1e3": -1000, "0.0": 0, "-0.0": 0, "0e0": 0, "1e20": 10**20, "1e21": 1e21, "1e-7": 1e-7,
    **{text: text for text in ("e3", "1e", "1e400", "-1e400", "1.5.5", "1e1e1", "v1.2.3")},
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    "-.inf": -math.inf, ".iNF": ".iNF", "inf": "inf", ".Nan": ".Nan", "-.nan": "-.nan",
    # the rest is text
    **{text: text for text in ("500M", "10s", "1/2", "=", "<<", "a:b", "a#b", "--x", "-x", "${X}")},
    "http://x:80/y": "http://x:80/y", "a #b": "a", '"5"': "5", "'5'": "5", "'it''s'": "it's",
    # explicit tags
    "!!str 5": "5", "!!str": "", "!!str null": "null", "! 5": "5", "! true": "true",
    "!!int 5": 5, '!!int "5"': 5, "!!int 0x1f": 31, "!!float 5": 5, "!!float 1.5": 1.5,
    # block scalars, folding, escapes
    "|\n  5\n": "5\n", ">-\n  x\n  y\n\n  z\n": "x y\nz", "|2\n    x\n   y\n": "  x\n y\n",
    "a\n  b": "a b", '"a\n  b"': "a b", '"a\\\n  b"': "ab", "&x": None, "&x 5": 5,
    r'"\x41\u0042\U0001F600\/\e\_\N"': "AB\U0001f600/\x1b\xa0\x85",
    # these are no line ends in YAML 1.2, and pairs of escapes are one character
    '"a\u2028b\x85c"': "a\u2028b\x85c", "a\u2028b\x85c": "a\u2028b\x85c",
    r'"\ud83d\uDE00 \\ud83d"': "\U0001f600 \\ud83d", r"\ud83d\uDE00": r"\ud83d\uDE00",
    r"'\ud83d\ude00'": r"\ud83d\ude00",
}
# fmt: on

DIFFERENT: dict[str, Scalar] = {
    # js-yaml rounds integers to doubles, and makes Date objects of timestamps
    "9007199254740993": 9007199254740993,
    "2001-01-01": "2001-01-01",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "!!timestamp 2001-01-01": "2001-01-01",
}


def root(text: str) -> Node:
    return read_yaml(Places("f.yaml", text), None).root


def value(text: str) -> Plain:
    return plain(root(text))


def mistakes(text: str) -> list[str]:
    try:
        found = read_yaml(Places("f.yaml", text), None).problems
    except InvalidConfig as error:
        found = error.problems()
    return [f"{problem.where}: {problem.message}".removeprefix("f.yaml:") for problem in found]


@pytest.mark.parametrize(("text", "expected"), [*JS_YAML.items(), *DIFFERENT.items()])
def test_scalars_are_what_js_yaml_makes_of_them(text: str, expected: Scalar) -> None:
    node = root(f"k: {text}\n").value
    assert isinstance(node, dict)
    read = node["k"].value
    assert (type(read), read) == (type(expected), expected)


def test_keys_become_strings_as_javascript_writes_them() -> None:
    text = "1: 0\n0x1f: 0\n1.50: 0\ntrue: 0\n~: 0\n1e21: 0\n'': 0\n2001-01-01: 0\n"
    keys = ("1", "31", "1.5", "true", "null", "1e+21", "", "2001-01-01")
    assert value(text) == dict.fromkeys(keys, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n", {"x": 1, "y": 3}),
        ("a: &a {x: 1}\nb: {x: 9, <<: *a}\n", {"x": 9}),
        ("a: &a {x: 1}\nc: &c {x: 2, z: 3}\nb: {<<: [*a, *c]}\n", {"x": 1, "z": 3}),
        ("b: {<<: {x: 1}, <<: {y: 2}}\n", {"x": 1, "y": 2}),
        ('b: {"<<": {x: 1}}\n', {"<<": {"x": 1}}),
        ("b: {!!str <<: {x: 1}}\n", {"<<": {"x": 1}}),
    ],
)
def test_merge_keys(text: str, expected: Plain) -> None:
    read = value(text)
    assert isinstance(read, dict)
    assert read["b"] == expected


def test_aliases_stand_for_the_nodes_of_their_anchor() -> None:
    document = root("a: &a\n  n: [1, é]\nb: *a\n").value
    assert isinstance(document, dict)
    alias = document["b"]
    assert plain(alias) == {"n": [1, "é"]}
    assert (str(alias.where), str(alias.key_where)) == ("f.yaml:1:4", "f.yaml:3:1")
    assert value("&k a: 1\nb: *k\n") == {"a": 1, "b": "a"}


def test_every_key_and_value_has_its_place() -> None:
    text = 'apps:\r\n  # é\r\n  - name: "\U0001f600\u2028"  # one\r\n    env: {é: ü, B: 2}\r\n'
    places: dict[str, tuple[str, str]] = {}

    def collect(node: Node) -> None:
        match node.value:
            case tuple() as items:
                for item in items:
                    collect(item)
            case dict() as members:
                for key, child in members.items():
                    places[key] = (str(child.key_where)[7:], str(child.where)[7:])
                    collect(child)

    collect(root(text))
    assert places == {
        "apps": ("1:1", "3:3"),
        "name": ("3:5", "3:11"),
        "env": ("4:5", "4:10"),
        "é": ("4:11", "4:14"),
        "B": ("4:17", "4:20"),
    }


def test_json_with_tabs_is_yaml_too() -> None:
    assert value('{\n\t"a":1,\n\t"b":[1,{"c":null}]\n}') == {"a": 1, "b": [1, {"c": None}]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1: the key 'a' is here twice: first in line 1, column 1"]),
        ("1: a\n'1': b\n", ["2:1: the key '1' is here twice: first in line 1, column 1"]),
        (
            "a: {<<: {x: 1}, x: 2, x: 3}",
            ["1:23: the key 'x' is here twice: first in line 1, column 17"],
        ),
        ("a: !foo x\n", ["1:4: the tag !foo is not known"]),
        ("a: !foo [x]\n", ["1:4: the tag !foo is not known"]),
        ("a: !!binary aGk=\n", ["1:4: the tag !!binary is not known"]),
        ("a: !!python/name:os.system ''\n", ["1:4: the tag !!python/name:os.system is not known"]),
        ("a: !!int abc\n", ["1:4: 'abc' is not what its tag !!int says"]),
        ("a: !!int 1.5\n", ["1:4: '1.5' is not what its tag !!int says"]),
        ("a: !!bool yes\n", ["1:4: 'yes' is not what its tag !!bool says"]),
        ("a: !!map [1]\n", ["1:4: the tag !!map is not known"]),
        ("a: .nan\n", ["1:4: .nan is not a number"]),
        ("[a]: b\n", ["1:1: a key must be a string, and this is a list"]),
        ("a: {<<: 5}\n", ["1:9: << takes a mapping or a list of mappings, and this is a number"]),
        ("a: *b\n", ["1:4: there is no anchor &b before this"]),
        ("a: &a [*a]\n", ["1:8: *a is used within &a itself"]),
        (
            "a: 1\n---\nb: 1\n",
            ["2:1: a second document begins here; an ecosystem file is one document"],
        ),
        ("# only\n", ["1:1: there is nothing in this file but comments"]),
        ("a: \x07\n", ["1:4: the character U+0007 is not allowed in YAML"]),
        (r'a: "\ud83d"', ["1:4: this string has half a character in it"]),
        ("a: b: c\n", ["1:5: this is not YAML: mapping values are not allowed in this context"]),
        ("[" * 500, ["1:101: this is nested more than 100 deep"]),
    ],
)
def test_mistakes_are_told_where_they_are(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_all_mistakes_are_told_up_to_the_one_that_ends_reading() -> None:
    places = [
        line.split(" ")[0] for line in mistakes("a: !x 1\nb: {c: 1, c: 2}\nd: !!int e\nf: [\n")
    ]
    assert places == ["1:4:", "2:11:", "3:4:", "5:1:"]


def test_aliases_cannot_multiply_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (found,) = mistakes("\n".join(lines))
    assert found.endswith("this file has more than 100000 values")
