"""How a plan, and what is to be known of it, is printed."""

from __future__ import annotations

from pm2sd.cli.plan_text import note_lines
from pm2sd.notes import Fidelity, Note


def test_what_is_to_be_said_of_several_apps_is_one_line() -> None:
    time = Note("time", Fidelity.APPROXIMATE, "the journal keeps the time")
    pid = Note("pid_file", Fidelity.NO_EFFECT, "no file is written")
    name = Note("name", Fidelity.EXACT, "as in PM2")
    assert list(note_lines([("api", [time, name]), ("web", [pid, time]), ("job", [])])) == [
        "note: api, web: time (approximate): the journal keeps the time",
        "note: web: pid_file (no effect): no file is written",
    ]
