"""What is said of how options are carried over, on stderr."""

from __future__ import annotations

import pytest

from pm2sd.cli.plan_text import note_lines
from pm2sd.notes import Fidelity, Note

FILES = Note("log_file", Fidelity.APPROXIMATE, "one place for a stream")
TIME = Note("time", Fidelity.APPROXIMATE, "the journal keeps it")
FORMAT = Note("log_date_format", Fidelity.APPROXIMATE, "the journal keeps it")
PMX = Note("pmx", Fidelity.NO_EFFECT, "nothing is injected")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_what_is_carried_exactly_is_not_told() -> None:
    assert list(note_lines([("a", [Note("name", Fidelity.EXACT, "the same"), PMX])])) == [
        "note: a: pmx (no effect): nothing is injected"
    ]


def test_the_same_of_several_apps_and_options_is_told_once() -> None:
    noted = [("a", [FILES, TIME]), ("b", [FILES, TIME, FORMAT]), ("c", [PMX, FILES, TIME])]
    assert list(note_lines(noted)) == [
        "note: a, b, c: log_file (approximate): one place for a stream",
        "note: a, c: time (approximate): the journal keeps it",
        "note: b: time, log_date_format (approximate): the journal keeps it",
        "note: c: pmx (no effect): nothing is injected",
    ]
