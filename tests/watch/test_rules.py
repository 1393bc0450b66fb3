"""What is watched and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.watch.rules import Rules

BASE = "/srv/app"


def rules(watched: list[str], ignored: list[str] | None = None, **options: Any) -> Rules:
    return Rules.read(watched, ignored or [], base=BASE, **options)


def matters(some: Rules, *names: str) -> list[bool]:
    return [some.matters(f"{BASE}/{name}") for name in names]


def test_everything_below_cwd_but_hidden_files_and_node_modules() -> None:
    everything = rules(["."])
    assert matters(everything, "a.js", "src", "src/deep/b.py") == [True, True, True]
    hidden = [".git/index", ".env", "node_modules/x/a.js", "src/node_modules", "a/.b/c"]
    assert matters(everything, *hidden) == [False] * 5
    assert not everything.matters("/srv/other/a.js")
    assert not everything.matters("/srv/app2/a.js")


@pytest.mark.parametrize("base", ["/home/ada/.apps/web", "/srv/node_modules/web"])
def test_a_hidden_directory_above_hides_nothing(base: str) -> None:
    """PM2 looks at the whole path, and watches nothing there."""
    assert Rules.read(["."], [], base=base).matters(f"{base}/a.js")


def test_what_is_named_is_watched_hidden_or_not() -> None:
    some = rules([".env", "node_modules/mine", ".config", "**/.eslintrc*"])
    named = [".env", "node_modules/mine/index.js", ".config/a/b.json", "src/.eslintrc.json"]
    assert matters(some, *named) == [True] * 4
    others = [".npmrc", "node_modules/other/a.js", "node_modules/mine/node_modules/x.js"]
    assert matters(some, *others) == [False] * 3
    assert matters(some, "node_modules/x/.eslintrc", ".git/.eslintrc") == [False, False]


def test_ignoring_adds_to_what_is_ignored_anyway() -> None:
    some = rules(["."], ["logs", "**/*.tmp", "*.md"])
    assert matters(some, "logs/a", "logs", "src/x.tmp", "README.md") == [False] * 4
    assert matters(some, "src/logs/a", "src/README.md", "a.js") == [True] * 3
    assert matters(some, ".env", "node_modules/a.js") == [False, False]


def test_a_pattern_chooses_files_and_is_looked_for_everywhere_below() -> None:
    some = rules(["src/**/*.ts", "!src/generated"])
    assert matters(some, "src/a.ts", "src/x/y/b.ts") == [True, True]
    assert matters(some, "src/a.js", "b.ts", "src/generated") == [False] * 3
    assert some.descends(f"{BASE}/src/x/y")
    assert not some.descends(f"{BASE}/src/generated")
    assert not some.descends(f"{BASE}/lib")
    assert not some.descends(f"{BASE}/src/node_modules")


def test_without_globs_a_pattern_is_a_path() -> None:
    some = rules(["*.js"], globbing=False)
    assert matters(some, "*.js", "a.js") == [True, False]


def test_depth_counts_directories_below_the_root() -> None:
    flat, two = rules(["."], depth=0), rules(["."], depth=1)
    assert matters(flat, "a", "b/c") == [True, False]
    assert not flat.descends(f"{BASE}/b")
    assert flat.descends(BASE)
    assert matters(two, "a", "b/c", "b/c/d") == [True, True, False]
    assert two.descends(f"{BASE}/b")
    assert not two.descends(f"{BASE}/b/c")


def test_log_files_and_what_rotates_away_from_them_are_ignored() -> None:
    some = rules(["."], files=[f"{BASE}/logs/out.log"])
    assert (
        matters(some, "logs/out.log", "logs/out.log.1", "logs/out.log-20261121.gz") == [False] * 3
    )
    assert matters(some, "logs/other.log") == [True]


def test_what_editors_leave_for_a_moment_is_no_change() -> None:
    names = ["a.js~", "src/.a.js.swp", "a.subl8f.tmp"]
    assert matters(rules(["."]), *names) == [False] * 3


def test_paths_are_shown_relative_to_the_base() -> None:
    some = rules(["."])
    assert some.shown(f"{BASE}/src/a.js") == "src/a.js"
    assert some.shown("/etc/x") == "/etc/x"
