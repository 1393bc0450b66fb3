"""Which apps a command line means, files and ``--only`` included."""

from __future__ import annotations

import pytest

from pm2sd.cli.applying import names_of
from pm2sd.cli.selecting import chosen, whole_apps
from pm2sd.errors import ExitStatus, Pm2sdError


@pytest.mark.parametrize("selectors", [["all"], ["api"], ["/a/", "3"]])
def test_only_without_a_file_does_nothing_to_the_apps_that_are_named(selectors: list[str]) -> None:
    for select in (chosen, whole_apps):
        with pytest.raises(Pm2sdError, match="--only chooses apps of an ecosystem file") as refused:
            select(selectors, {}, ["api"])
        assert refused.value.code is ExitStatus.USAGE


@pytest.mark.parametrize("only", ["", " ", ",", " , "])
def test_only_that_names_no_app_is_not_all_of_them(only: str) -> None:
    with pytest.raises(Pm2sdError, match="names no app") as refused:
        names_of(only)
    assert refused.value.code is ExitStatus.USAGE


def test_names_stand_between_commas() -> None:
    assert names_of(None) == []
    assert names_of("a, b,,c") == ["a", "b", "c"]
