from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.options import ENV_BLOCK, OPTIONS, find
from pm2sd.ecosystem.schema import schema
from pm2sd.errors import Location

VALIDATOR = Draft202012Validator(schema())


def node(value: Any) -> Node:
    where = Location("test")
    match value:
        case list():
            return Node(tuple(map(node, value)), where)
        case Mapping():
            return Node({key: node(item) for key, item in value.items()}, where)
        case _:
            return Node(value, where)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(schema())


APP = {"script": "a.js", "instances": "max", "maxMemoryRestart": "1G", "env_x": {"A": 1}}


@pytest.mark.parametrize(
    "document",
    [
        APP,
        [APP, {"exec": "b.js"}],
        {"apps": [APP]},
        {"apps": APP},
        {"pm2": [APP]},
        {"pm2": {"apps": [APP]}},
        {"name": "a-package", "pm2": APP},
        {"apps": [APP], "deploy": {"production": {"host": "h"}}},
        {"apps": [{"script": "a", "_note": "x", "x-common": [1], "$schema": "y"}]},
        {"apps": []},
    ],
)
def test_shapes_of_files(document: Any) -> None:
    VALIDATOR.validate(document)


@pytest.mark.parametrize(
    "app",
    [
        {},
        {"name": "a"},
        {"script": 5},
        {"script": "a", "instnaces": 2},
        {"script": "a", "autorestart": "true"},
        {"script": "a", "exec_mode": "forked"},
        {"script": "a", "env": "A=1"},
        {"script": "a", "env_production": {"A=B": 1}},
        {"script": "a", "stop_exit_codes": [300]},
        {"script": "a", "kill_timeout": "soon"},
        {"script": "a", "max_memory_restart": "1P"},
        {"script": "a", "env_file": {"A": 1}},
        5,
    ],
)
@pytest.mark.parametrize("wrap", [lambda app: {"apps": [app]}, lambda app: [app]])
def test_mistakes(wrap: Any, app: Any) -> None:
    assert not VALIDATOR.is_valid(wrap(app))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_example_is_valid(option: Any) -> None:
    VALIDATOR.validate({"script": "a"} | yaml.safe_load(option.example))


def test_every_option_is_described() -> None:
    for option in OPTIONS:
        assert schema()["$defs"][option.name]["description"].startswith(option.doc)


WORDS = """
    max -1 4 1e3 Infinity 10s .5h 1.5G 300MB 300 true false fork cluster_mode json NULL 0 0,1 TERM
    SIGINT graceful
"""
NUMBERS = st.integers(-5, 70_000) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(WORDS.split()) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3),
)
KEYS = st.sampled_from(
    [key for option in OPTIONS for key in option.spellings if option is not ENV_BLOCK] + ["env_x"]
)


@given(KEYS, VALUES)
def test_what_declare_accepts_is_valid(key: str, value: Any) -> None:
    app = {"script": "a"} | {key: value}
    root = node(app)
    _, problems = declare(root, Source("test", None, "", root))
    option = find(key)
    assert option is not None
    if not problems and not (isinstance(value, float) and math.isinf(value)):
        VALIDATOR.validate(app)
