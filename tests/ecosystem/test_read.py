"""Files are found and told apart by name; what cannot be read is explained."""

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pm2sd.ecosystem.nodes import Plain, plain
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read import find_default, is_ecosystem_file, read
from pm2sd.ecosystem.read_json import read_json
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.errors import ExitStatus, InvalidConfig, Problem


def problem(path: str | Path, stdin: str | None = None) -> Problem:
    stream = None if stdin is None else io.StringIO(stdin)
    with pytest.raises(InvalidConfig) as caught:
        read(str(path), stdin=stream)
    assert caught.value.code is ExitStatus.INVALID_CONFIG
    (only,) = caught.value.problems()
    return only


def from_stdin(text: str) -> Plain:
    return plain(read("-", stdin=io.StringIO(text)).root)


@pytest.mark.parametrize(
    "name",
    [
        *("ecosystem.config.js", "/srv/api.config.cjs", "a.config.mjs", "a.json", "a.json5"),
        *("a.yaml", "a.yml", "A.YAML", "package.json", "ecosystem.js", "-"),
    ],
)
def test_configurations_are_known_by_name(name: str) -> None:
    assert is_ecosystem_file(name)


@pytest.mark.parametrize(
    "name",
    ["app.js", "api", "all", "3", "app.json.js", "config.js", "a.yaml/app.js", "x.config.ts"],
)
def test_scripts_and_apps_are_no_configurations(name: str) -> None:
    assert not is_ecosystem_file(name)


def test_pm2s_default_file_comes_before_the_others(tmp_path: Path) -> None:
    assert find_default(str(tmp_path)) is None
    for name in ("package.json", "process.json", "ecosystem.yaml", "ecosystem.config.js"):
        (tmp_path / name).write_text("{}")
        expected = None if name == "package.json" else str(tmp_path / name)
        assert find_default(str(tmp_path)) == expected


def test_the_source_knows_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.json").write_text("[]")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    source = read("real/../link/a.json", stdin=None)
    assert source.name == "real/../link/a.json"
    assert source.path == tmp_path / "link" / "a.json"


@pytest.mark.parametrize(("name", "text"), [("a.json", '{"apps": []}'), ("a.yaml", "apps: []")])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8-sig")
    source = read(str(file), stdin=None)
    assert source.text == text
    assert plain(source.root) == {"apps": []}
    assert str(source.root.where) == f"{file}:1:1"


def test_what_cannot_be_read_is_explained(tmp_path: Path) -> None:
    missing = problem(tmp_path / "ecosystem.yml")
    assert missing.message.endswith("does not exist")
    (tmp_path / "ecosystem.yaml").write_text("apps: []")
    assert problem(tmp_path / "ecosystem.yml").hint == f"did you mean {tmp_path}/ecosystem.yaml?"
    assert problem(tmp_path).hint == f"did you mean {tmp_path}/ecosystem.yaml?"
    assert problem(tmp_path / "no" / "a.json").hint == f"there is no directory {tmp_path}/no"
    (tmp_path / "apps.conf").write_text("x")
    assert "of no known kind" in problem(tmp_path / "apps.conf").message
    for name in ("a.json", "a.yaml", "a.config.js"):
        (tmp_path / name).write_text(" \n")
        assert problem(tmp_path / name).message.endswith("is empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_someone_else_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("[]")
    file.chmod(0)
    assert problem(file).hint == "it must be readable by this user"


def test_bytes_that_are_not_utf8_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"apps:\n  - caf\xe9: 1\n")
    found = problem(file)
    assert found.message == "the byte 0xe9 is not UTF-8"
    assert str(found.where) == f"{file}:2:8"


def test_standard_input_is_json_as_pm2_reads_it_or_yaml() -> None:
    assert from_stdin("apps:\n  - script: a.js\n") == {"apps": [{"script": "a.js"}]}
    assert from_stdin("// PM2's\n[{script: 'a.js',}]") == [{"script": "a.js"}]
    assert from_stdin("{apps: [{script: a.js}]}") == {"apps": [{"script": "a.js"}]}
    source = read("-", stdin=io.StringIO("[1024 * 2]"))
    assert plain(source.root) == [2048]
    assert (source.name, source.path) == ("<stdin>", None)


def test_standard_input_that_is_neither_is_told_of_as_json() -> None:
    found = problem("-", '{"a": 1 "b": 2}')
    assert found.message == "expected ',' or '}', found \"b\""
    assert str(found.where) == "<stdin>:1:9"


def test_standard_input_may_be_closed() -> None:
    with pytest.raises(InvalidConfig, match="standard input is closed"):
        read("-", stdin=None)


# JSON's data as YAML may hold it: no bare control characters, integers and floats of a double.
_TEXT = st.text(
    st.characters(
        blacklist_categories=["Cs"], blacklist_characters="\x7f\ufeff\ufffe\uffff"
    ).filter(lambda character: not "\x80" <= character <= "\x9f" or character == "\x85")
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=20
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=_VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 0, 2, "\t"]))
def test_every_json_document_is_read_back_as_json_and_as_yaml(
    value: Plain, ascii_only: bool, indent: int | str | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    places = Places("x", text)
    assert plain(read_json(places, None, 1.0).root) == value
    assert plain(read_yaml(places, None).root) == value
