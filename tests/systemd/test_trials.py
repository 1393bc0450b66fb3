"""The note of unit files that are on trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import trials
from pm2sd.systemd.trials import Trial


def trial(**changes: object) -> Trial:
    values: dict[str, object] = {
        "files": {"web@.service": "[Unit]\n\udcff", "web.socket": None},
        "instances": ["web@0.service"],
        "stopped": ["web@1.service"],
        "added": [],
        "owed": {"web@0.service": 2**53},
        "since": 7,
    }
    return Trial(**{**values, **changes})  # type: ignore[arg-type]


def test_a_note_is_kept_until_the_last_trial_is_over(tmp_path: Path) -> None:
    directory = tmp_path / "pm2sd"
    assert trials.load(directory) == {}
    both = {"web": trial(), "@a/b": trial(files={}, since=8)}
    trials.save(both, directory)
    assert trials.load(directory) == both
    (note,) = directory.iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    trials.save({"web": trial()}, directory)
    assert trials.load(directory) == {"web": trial()}
    trials.save({}, directory)
    trials.save({}, directory)
    assert trials.load(directory) == {}
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"files": {}}}', "\xff"])
def test_a_file_of_somebody_else_is_not_guessed_at(tmp_path: Path, text: str) -> None:
    (tmp_path / "trials.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(Pm2sdError, match="not written by pm2sd"):
        trials.load(tmp_path)
