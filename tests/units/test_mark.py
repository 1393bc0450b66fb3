from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pm2sd.errors import CannotCarry
from pm2sd.units import names
from pm2sd.units.mark import (
    MARK_PREFIX,
    environment_variables,
    marked,
    read_mark,
    sections,
)
from pm2sd.units.model import EnvironmentFile, InstanceDropIn, Mark, Target, Unit
from pm2sd.units.render import render

RECORD = {"Record": json.dumps({"name": "ü\n[X-Pm2sd]\nHash=1\\"}), "Ids": "[0, 1]"}
MARK = Mark(app="@apps/ü\n", namespace="a b", source='/srv/"%i".yaml', version="1.0", record=RECORD)
TARGET = Target(
    name=names.target(MARK.app), mark=MARK, description="x", wants=("a@0.service", "a@1.service")
)
DROP_IN = InstanceDropIn(service="a@0.service", mark=MARK, environment={"A": "1"})
SECRETS = EnvironmentFile(service="a@.service", mark=MARK, variables={"A": "1"})
UNITS = pytest.mark.parametrize("unit", [TARGET, DROP_IN, SECRETS], ids=lambda u: type(u).__name__)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@UNITS
def test_a_file_says_what_it_is(unit: Unit) -> None:
    text = render(unit).text
    assert text.startswith(MARK_PREFIX)
    mark = read_mark(text)
    assert mark is not None
    assert (mark.app, mark.namespace, mark.source, mark.version) == (
        MARK.app,
        MARK.namespace,
        MARK.source,
        MARK.version,
    )
    assert mark.record == RECORD
    assert mark.intact


@UNITS
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1", "2"),
        ("lost", "kept"),
        ('Version="1.0"', 'Version="1.1"'),
        ("Hash=", "Hash=0"),
        ("[X-Pm2sd]", "\n[X-Pm2sd]"),
        ("\n", "\r\n"),
    ],
)
def test_any_edit_shows(unit: Unit, old: str, new: str) -> None:
    text = render(unit).text
    edited = text.replace(old, new, 1)
    assert edited != text
    mark = read_mark(edited)
    assert mark is None or not mark.intact


@pytest.mark.parametrize(
    "addition",
    [
        "\n",
        "# mine\n",
        "[Service]\nNice=5\n",
        "Hash=\n",
        "[Service]\nEnvironment=Hash=1\n",
        "\udcff",
    ],
)
def test_what_is_added_at_the_end_shows(addition: str) -> None:
    mark = read_mark(render(TARGET).text + addition)
    assert mark is not None
    assert mark.record == RECORD
    assert not mark.intact


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[Service]\nExecStart=/bin/true\n",
        "[X-Pm2sd]\nApp=1\n",
        f"{MARK_PREFIX}.\n[Service]\n",
        f'{MARK_PREFIX}.\n[X-Pm2sd]\nApp="a"\n',
        f'{MARK_PREFIX}.\n[X-Pm2sd]\nApp=a\nNamespace=""\nSource=""\nVersion=""\n',
        f'{MARK_PREFIX}.\n[X-Pm2sd]\nApp=1\nNamespace=""\nSource=""\nVersion=""\n',
        "\n" + f'{MARK_PREFIX}.\n[X-Pm2sd]\nApp="a"\nNamespace=""\nSource=""\nVersion=""\n',
    ],
)
def test_other_files_are_not_ours(text: str) -> None:
    assert read_mark(text) is None


def test_a_file_without_its_hash_is_not_intact() -> None:
    lines = render(TARGET).text.splitlines(keepends=True)
    mark = read_mark("".join(lines[:-1]))
    assert mark is not None
    assert not mark.intact


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_comes_back(app: str, namespace: str, source: str) -> None:
    mark = Mark(app=app, namespace=namespace, source=source, version="1")
    for with_sections in (True, False):
        text = marked("[Unit]\n", mark, "x", "do that", sections=with_sections)
        said = read_mark(text)
        assert said is not None
        assert (said.app, said.namespace, said.source) == (app, namespace, source)
        assert said.intact
        assert text.isascii()


@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,5}\Z"),
        st.text(
            st.one_of(
                st.characters(codec="ascii", exclude_characters="\0"),
                st.sampled_from('"\\$`\n#[]=é'),
            )
        ),
    )
)
def test_secrets_are_read_back(variables: dict[str, str]) -> None:
    text = render(EnvironmentFile(service="a@.service", mark=MARK, variables=variables)).text
    assert environment_variables(text) == variables
    mark = read_mark(text)
    assert mark is not None
    assert mark.intact


def test_secrets_that_imitate_the_section_do_not_confuse() -> None:
    variables = {"A": '1"\n\n# [X-Pm2sd]\n# App="evil"\nB="2"\n', "Z": "[X-Pm2sd]\nHash=1"}
    text = render(EnvironmentFile(service="a@.service", mark=MARK, variables=variables)).text
    mark = read_mark(text)
    assert mark is not None
    assert mark.app == MARK.app
    assert environment_variables(text) == variables


def test_sections() -> None:
    text = "# c\n[Unit]\nA=1\nA= 2=3 \n\n; c\n[Install]\nB=\n[Unit]\nC=\\x40\n"
    assert sections(text) == {
        "Unit": [("A", "1"), ("A", "2=3"), ("C", "\\x40")],
        "Install": [("B", "")],
    }
    of_target = sections(render(TARGET).text)
    assert list(of_target) == ["Unit", "Install", "X-Pm2sd"]
    assert of_target["Unit"][1:] == [("Wants", "a@0.service"), ("Wants", "a@1.service")]


@pytest.mark.parametrize(
    ("key", "value"),
    [("Ids", "[\n]"), ("Ids", '"é"'), ("Ids", "1\\"), ("Hash", "1"), ("App", "1"), ("a b", "1")],
)
def test_records_that_would_break_the_file_are_mistakes_of_ours(key: str, value: str) -> None:
    mark = Mark(app="a", namespace="", source="", version="", record={key: value})
    with pytest.raises(ValueError, match=key):
        marked("", mark, "x", "")


def test_lines_longer_than_systemd_reads_are_refused() -> None:
    longest = 1024 * 1024 - 1 - len("Record=")
    for length, fits in ((longest, True), (longest + 1, False)):
        mark = Mark(app="a", namespace="", source="", version="", record={"Record": "1" * length})
        if fits:
            assert read_mark(marked("", mark, "x", "")) is not None
        else:
            with pytest.raises(CannotCarry, match="the line Record= of x would have 1048576 bytes"):
                marked("", mark, "x", "")


def test_reading_imports_no_template_engine() -> None:
    code = (
        "import sys; from pm2sd.units import mark, names;"
        "print([m for m in ('jinja2', 'configparser', 'hashlib') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
