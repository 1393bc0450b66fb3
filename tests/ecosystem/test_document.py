"""The shapes a configuration may have, and what is said about those it may not."""

from pathlib import Path

import pytest

from pm2sd.ecosystem.document import Document, deployed, document
from pm2sd.ecosystem.nodes import plain
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_json import read_json
from pm2sd.notes import Fidelity

ONE = [{"script": "a.js"}]


def load(text: str, name: str = "f.json") -> Document:
    return document(read_json(Places(name, text), Path("/srv", name), 10.0))


def mistakes(text: str, name: str = "f.json") -> list[str]:
    found = load(text, name).problems
    assert all(problem.source is not None and problem.hint for problem in found)
    return [f"{problem.where}: {problem.message}".removeprefix("f.json:") for problem in found]


@pytest.mark.parametrize(
    "text",
    [
        "{apps: [{script: 'a.js'}]}",
        "{apps: {script: 'a.js'}}",
        "{pm2: [{script: 'a.js'}]}",
        "{pm2: {script: 'a.js'}}",
        "{pm2: {apps: [{script: 'a.js'}]}}",
        "[{script: 'a.js'}]",
        "{script: 'a.js'}",
    ],
)
def test_every_shape_of_pm2_is_understood(text: str) -> None:
    found = load(text)
    assert [plain(app) for app in found.apps] == ONE
    assert found.notes == ()


@pytest.mark.parametrize("key", ["script", "cmd", "command"])
def test_a_bare_app_is_known_by_what_it_runs(key: str) -> None:
    found = load(f"{{name: 'x', {key}: 'a', deploy: {{}}, static: {{path: '.'}}}}")
    assert [plain(app) for app in found.apps] == [{"name": "x", key: "a"}]
    assert found.deploy is not None
    assert [plain(folder) for folder in found.static] == [{"path": "."}]


def test_a_package_json_is_a_package_first() -> None:
    package = "{name: 'x', version: '1', scripts: {}, %s}"
    for part in (
        "apps: [{script: 'a.js'}]",
        "pm2: {apps: [{script: 'a.js'}]}",
        "pm2: {script: 'a.js'}",
    ):
        found = load(package % part, "package.json")
        assert [plain(app) for app in found.apps] == ONE
        assert found.notes == ()
    assert mistakes(package % "script: 'a.js'", "package.json") == [
        "package.json:1:1: package.json has neither 'pm2' nor 'apps'"
    ]


def test_deploy_and_static_stand_beside_the_apps() -> None:
    found = load("{apps: [{script: 'a'}], deploy: {production: {}}, static: [{path: 'x'}]}")
    assert found.deploy is not None
    assert plain(found.deploy) == {"production": {}}
    assert [plain(folder) for folder in found.static] == [{"path": "x"}]
    inner = load("{pm2: {apps: [{script: 'a'}], deploy: {production: {}}}}")
    assert inner.deploy is not None


def test_a_file_that_deploys_is_told_what_to_do_instead() -> None:
    (note,) = load("{apps: [{script: 'a'}], deploy: {production: {}}}").notes
    assert (note.option, note.fidelity) == ("deploy", Fidelity.NO_EFFECT)
    assert note.text == "f.json:1:25: pm2sd does not deploy; over ssh: git pull, then pm2sd apply"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("", {"B": "deploy", "C": "deploy"}),
        (", env_production: null", {"B": "deploy", "C": "deploy"}),
        (", env_production: {B: 'block'}", {"B": "block", "C": "deploy"}),
    ],
)
def test_a_deployments_variables_are_under_those_of_the_block(
    block: str, expected: dict[str, str]
) -> None:
    found = load(
        f"{{apps: [{{script: 'a', env: {{A: 1}}{block}}}], "
        "deploy: {production: {env: {B: 'deploy', C: 'deploy'}}, staging: {}, odd: 1}}"
    )
    (app,) = found.apps
    written = plain(app)
    assert isinstance(written, dict)
    with_them = written | {"env_production": expected}
    assert plain(deployed(app, found.deploy, "production")) == with_them
    for other in (None, "", "staging", "odd", "development"):
        assert deployed(app, found.deploy, other) == app
    assert deployed(app, None, "production") == app


def test_a_file_may_be_for_deploying_only() -> None:
    for text in ("{deploy: {production: {}}}", "{apps: [], deploy: {production: {}}}"):
        assert load(text).apps == ()


def test_keys_beside_the_apps_are_not_dropped_without_a_word() -> None:
    text = """{
  "$schema": "x", "x-common": {}, _note: 1,
  apps: [{script: 'a'}],
  env: {A: 1},
  watch: true,
  pm2: {},
  colour: 'red'
}"""
    notes = load(text).notes
    assert [(note.option, note.fidelity) for note in notes] == [
        (name, Fidelity.NO_EFFECT) for name in ("env, watch", "colour", "pm2")
    ]
    assert notes[0].text.startswith("f.json:4:3: without effect beside the apps")
    assert notes[0].text.endswith("what is meant for an app belongs into it")
    assert notes[1].text.startswith("f.json:7:3: ")
    assert notes[1].text.endswith("nothing is called so")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a.js'", ["1:1: expected an object with a list of apps; got a string"]),
        ("{}", ["1:1: there are no apps in this file"]),
        ("[]", ["1:1: the list of apps is empty"]),
        ("{apps: []}", ["1:8: the list of apps is empty"]),
        ("{apps: null}", ["1:8: apps must be a list; it is null"]),
        ("{apps: 'a.js'}", ["1:8: apps must be a list; it is a string"]),
        ("{name: 'x', app: []}", ["1:13: there are no apps: 'app' is not read"]),
        ("{apps: {}}", ["1:8: there is no app in this object"]),
        (
            "[{pid: 1, name: 'a', pm2_env: {}, pm_id: 0}]",
            ["1:1: this is PM2's list of what runs (pm2 jlist)"],
        ),
        (
            "{apps: {api: {script: 'a'}, web: {cmd: 'b'}}}",
            ["1:8: apps is an object of apps, and must be a list"],
        ),
        (
            "{apps: ['a.js', {script: 'a'}, null, [1]], deploy: 1, static: [2]}",
            [
                "1:9: expected an app; got a string",
                "1:32: expected an app; got null",
                "1:38: expected an app; got a list",
                "1:52: deploy must be an object; it is a number",
                "1:64: expected a folder to serve; got a number",
            ],
        ),
    ],
)
def test_mistakes_are_told_all_at_once(text: str, expected: list[str]) -> None:
    assert sorted(mistakes(text)) == sorted(expected)


def test_what_is_right_is_kept_beside_mistakes() -> None:
    found = load("{apps: ['a.js', {script: 'a.js'}], deploy: 1, static: [2, {path: 'x'}]}")
    assert [plain(app) for app in found.apps] == ONE
    assert [plain(folder) for folder in found.static] == [{"path": "x"}]
    assert found.deploy is None


def test_nothing_more_is_said_about_what_reading_refused() -> None:
    for text in ("NaN", "{apps: NaN}", "[{script: 'a.js'}, NaN]", "{apps: [], deploy: NaN}"):
        source = read_json(Places("f.json", text), None, 10.0)
        assert [problem.message for problem in source.problems] == ["NaN is not a number"]
        assert document(source).problems == ()


def test_monitoring_of_a_served_folder_is_told_to_have_no_effect() -> None:
    found = load("{apps: [{script: 'a'}],\n static: [\n  {path: 'x'},\n  {monitor: 'y'}]}")
    (told,) = found.notes
    assert (told.option, told.fidelity) == ("static", Fidelity.NO_EFFECT)
    assert told.text.startswith("f.json:4:3: monitor reports to PM2 Plus")
