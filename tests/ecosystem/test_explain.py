from __future__ import annotations

import pytest

from pm2sd.ecosystem.explain import conversion_matrix, default_text, explain, overview
from pm2sd.ecosystem.options import OPTIONS, Option, Section, find
from pm2sd.errors import ExitStatus, Pm2sdError


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_explained_in_full(option: Option) -> None:
    text = " ".join(explain(option.name).split())
    for part in (option.doc, option.pm2, option.type.label, option.becomes, option.example):
        assert " ".join(part.split()) in text
    assert option.difference[1:] in text


@pytest.mark.parametrize("key", ["err", "errorFile", "error_file"])
def test_any_name_will_do(key: str) -> None:
    assert explain(key).startswith("error_file ")


def test_a_block_is_explained_as_a_block() -> None:
    assert explain("env_production").startswith("env_NAME ")
    assert "envNAME" not in explain("env_production")


def test_the_list_has_a_line_for_every_option_under_its_section() -> None:
    lines = overview().splitlines()
    width = max(len(option.name) for option in OPTIONS)
    assert [line[:-1] for line in lines if line.endswith(":")] == [one.value for one in Section]
    listed = [line for line in lines if line.startswith("  ")]
    assert [line.split()[0] for line in listed] == [
        option.name for section in Section for option in OPTIONS if option.section is section
    ]
    assert max(map(len, lines)) <= 90
    for line in listed:
        text = line[width + 4 :]
        whole = find(line.split()[0])
        assert whole is not None
        assert len(text) > 3
        assert whole.doc.startswith(text.removesuffix(" ..."))
        assert text.count("(") == text.count(")") or text.endswith(" ...")


def test_lines_are_short() -> None:
    for option in OPTIONS:
        text = explain(option.name).replace(option.becomes, "")
        assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("kill_timeout", "1600ms"),
        ("min_uptime", "1000 (1s)"),
        ("autorestart", "true"),
        ("instances", "1"),
        ("namespace", "default"),
        ("out_file", "the journal"),
        ("env", "unset"),
    ],
)
def test_defaults_have_units(name: str, shown: str) -> None:
    option = find(name)
    assert option is not None
    assert default_text(option) == shown


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("instanses", "did you mean 'instances'?"),
        ("teapot", "pm2sd explain lists them all"),
    ],
)
def test_an_unknown_option_is_an_error(key: str, hint: str) -> None:
    with pytest.raises(Pm2sdError) as caught:
        explain(key)
    assert (caught.value.hint, caught.value.code) == (hint, ExitStatus.USAGE)


def test_the_matrix_has_every_section_and_option() -> None:
    lines = conversion_matrix().splitlines()
    assert [line[3:] for line in lines if line.startswith("## ")] == [
        section.value for section in Section
    ]
    rows = [line for line in lines if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [
        option.name for section in Section for option in OPTIONS if option.section is section
    ]
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}
