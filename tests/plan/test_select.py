"""Selectors name instances as PM2's users expect."""

from __future__ import annotations

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.errors import NoSuchApp, Pm2sdError
from pm2sd.plan.select import select
from pm2sd.plan.stored import StoredApp


def stored(name: str, *ids: int, namespace: str = "default", source: str = "") -> StoredApp:
    app = App(
        name=name,
        namespace=namespace,
        source=source,
        script=f"/srv/{name}.js",
        command=("/bin/true",),
        cwd="/",
        instances=len(ids),
    )
    return StoredApp(name, namespace, "fork", ids, {"Record": app.to_json()}, {})


APPS = {
    one.app.name: one
    for one in (
        stored("api", 0, 1),
        stored("api-v2", 2, namespace="back"),
        stored("web", 3, namespace="front", source="/srv/ecosystem.yaml"),
        stored("455", 7),
    )
}


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        (["all"], ["455@0", "api@0", "api@1", "api-v2@0", "web@0"]),
        (["api"], ["api@0", "api@1"]),
        (["api@1"], ["api@1"]),
        (["api@1.service"], ["api@1"]),
        (["3"], ["web@0"]),
        (["455"], ["455@0"]),
        (["back"], ["api-v2@0"]),
        (["/^api/"], ["api@0", "api@1", "api-v2@0"]),
        (["/srv/web.js"], ["web@0"]),
        (["/srv/ecosystem.yaml"], ["web@0"]),
        (["api@0", "api", "0"], ["api@0", "api@1"]),
    ],
)
def test_selectors(selectors: list[str], found: list[str]) -> None:
    assert [str(one) for one in select(selectors, APPS)] == found


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("apu", "did you mean 'api'?"),
        ("9", "pm2sd list shows"),
        ("api@2", None),
        ("/x{9}/", None),
        ("", "pm2sd list shows"),
    ],
)
def test_a_selector_that_names_nothing(selector: str, hint: str | None) -> None:
    with pytest.raises(NoSuchApp) as caught:
        select([selector], APPS)
    if hint:
        assert hint in str(caught.value.hint)


def test_a_regular_expression_that_is_none() -> None:
    with pytest.raises(Pm2sdError, match="not a regular expression"):
        select(["/(/"], APPS)
