"""Patterns, against what chokidar 3.6.0 answers: globs.json, written by chokidar.cjs beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pm2sd.watch.globs import NotUnderstood, compiled, is_glob, parent

BASE = "/srv/app"
TABLE = json.loads(Path(__file__).with_name("globs.json").read_text())


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["pattern"])
def test_a_pattern_stands_for_the_paths_that_it_does_for_chokidar(case: dict[str, Any]) -> None:
    ours = compiled(case["pattern"], BASE)
    paths = {name: f"{BASE}/{name}".rstrip("/") for name in TABLE["paths"]}
    assert [name for name in paths if ours.matches(paths[name])] == case["ignored"]
    assert is_glob(case["pattern"]) == case["glob"]


def test_the_table_tells_patterns_apart() -> None:
    answers = {tuple(case["ignored"]) for case in TABLE["cases"]}
    assert len(TABLE["cases"]) >= 50
    assert len(answers) >= 40


@pytest.mark.parametrize(
    "pattern",
    [
        r"[\/\\]\./",
        r".*\.log$",
        "(?!src)",
        "a)b",
        "{1..10}",
        "{a,b",
        "(a|b",
        "a|b",
        "+(*|a)",
        "[z-a]",
        "**@(a)",
        "[[:alpha:]]",
    ],
)
def test_what_only_looks_like_a_pattern_is_not_understood(pattern: str) -> None:
    with pytest.raises(NotUnderstood):
        compiled(pattern, BASE)


def test_a_path_stands_for_all_that_is_below() -> None:
    for text in ("logs", "logs/", "./logs", "/srv/app/logs", "../app/logs", "x/../logs"):
        logs = compiled(text, BASE)
        assert logs.matches("/srv/app/logs")
        assert logs.matches("/srv/app/logs/a/b")
        assert not logs.matches("/srv/app/logs2")


def test_the_base_is_literal() -> None:
    assert compiled("*.log", "/srv/a+b (1)[x]").matches("/srv/a+b (1)[x]/y.log")
    assert compiled("*.log", "/").matches("/y.log")
    assert compiled("../*.log", BASE).matches("/srv/y.log")
    assert compiled(".", BASE).matches("/srv/app/x")


@pytest.mark.parametrize(
    ("pattern", "directory"),
    [
        ("src/**/*.js", "/srv/app/src"),
        ("*.js", "/srv/app"),
        ("/etc/app/*.yaml", "/etc/app"),
        ("../lib/{a,b}/*", "/srv/lib"),
        ("pages/[id].js", "/srv/app/pages"),
        ("a/!(b)/c", "/srv/app/a"),
    ],
)
def test_the_parent_of_a_pattern(pattern: str, directory: str) -> None:
    assert parent(pattern, BASE) == directory
