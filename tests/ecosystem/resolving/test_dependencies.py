"""``depends_on``: who comes first, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.ecosystem.resolve import ResolvedAll
from tests.ecosystem.resolving.world import World, about


@pytest.fixture(autouse=True)
def script(world: World) -> None:
    world.program("node")
    world.write("app.js")


def resolved(world: World, env_name: str | None = None, /, **depends_on: Any) -> ResolvedAll:
    """Apps of these names, in this order."""
    apps: list[dict[str, Any]] = [
        {"name": name, "script": "app.js"} | ({"depends_on": value} if value else {})
        for name, value in depends_on.items()
    ]
    return world.resolve_all(*apps, env_name=env_name)


def names(found: ResolvedAll) -> list[str]:
    assert found.problems == ()
    return [app.name for app, _ in found.apps]


@pytest.mark.parametrize(
    ("apps", "order"),
    [
        ({"a": None, "b": None, "c": None}, ["a", "b", "c"]),
        ({"a": ["b"], "b": None}, ["b", "a"]),
        ({"a": "b", "b": {"c": None}, "c": None}, ["c", "b", "a"]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": None}, ["d", "b", "c", "a"]),
        ({"z": None, "a": {"z": {"condition": "started"}}, "y": None}, ["z", "y", "a"]),
    ],
)
def test_what_others_depend_on_comes_first(
    world: World, apps: dict[str, Any], order: list[str]
) -> None:
    assert names(resolved(world, **apps)) == order


def test_all_instances_are_waited_for(world: World) -> None:
    found = world.resolve_all(
        {"name": "web", "script": "app.js", "depends_on": ["api"]},
        {"name": "api", "script": "app.js", "instances": 3, "exec_mode": "fork"},
    )
    assert {app.name: app.depends_on for app, _ in found.apps} == {"api": {}, "web": {"api": 3}}


def test_an_app_is_known_by_the_name_written_and_the_one_it_goes_by(world: World) -> None:
    options = {"script": "app.js", "append_env_to_name": True, "env_prod": {}}
    for name in ("db", "db-prod"):
        found = world.resolve_all(
            {"name": "web", "depends_on": [name], **options},
            {"name": "db", **options},
            env_name="prod",
        )
        assert names(found) == ["db-prod", "web-prod"]
        assert found.apps[1][0].depends_on == {"db-prod": 1}


@pytest.mark.parametrize(
    ("value", "key", "hint"),
    [
        (["databse"], "apps[0].depends_on[0]", "did you mean 'database'?"),
        ("other", "apps[0].depends_on", "the file has a, database"),
        ({"database": None, "xyz": "ready"}, "apps[0].depends_on.xyz", "the file has a, database"),
    ],
)
def test_an_unknown_app_is_told_at_its_place(world: World, value: Any, key: str, hint: str) -> None:
    (problem,) = resolved(world, a=value, database=None).problems
    assert problem.where is not None
    assert (problem.where.key, problem.hint) == (key, hint)


def test_an_app_that_has_other_problems_is_known_all_the_same(world: World) -> None:
    found = world.resolve_all(
        {"name": "a", "script": "app.js", "depends_on": "b"}, {"name": "b", "script": "gone.js"}
    )
    assert [problem.where.key for problem in found.problems if problem.where] == ["apps[1].script"]


@pytest.mark.parametrize(
    ("apps", "cycle"),
    [({"a": "a"}, "a -> a"), ({"a": "b", "b": "c", "c": "a"}, " -> ")],
)
def test_a_cycle_is_told(world: World, apps: dict[str, Any], cycle: str) -> None:
    (problem,) = resolved(world, **apps).problems
    assert "cannot wait for itself" in problem.message
    assert cycle in problem.message
    assert problem.where is not None
    assert problem.where.key.endswith("depends_on")


def test_readiness_takes_an_app_that_tells_it(world: World) -> None:
    world.program("python3")
    world.write("db.py")
    for wait_ready in (True, False):
        found = world.resolve_all(
            {"name": "web", "script": "app.js", "depends_on": {"db": {"condition": "ready"}}},
            {"name": "db", "script": "db.py", "wait_ready": wait_ready},
        )
        said = about(found.apps[1][1], "depends_on")
        assert ("db does not say when it is ready" in said) is not wait_ready
