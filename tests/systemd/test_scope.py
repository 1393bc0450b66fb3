"""Hints, which are written for a user's manager, where the machine's is meant."""

from __future__ import annotations

import pytest

from pm2sd.cli.commands import BY_NAME
from pm2sd.systemd import scope


@pytest.mark.parametrize(
    ("hint", "there"),
    [
        ("systemctl --user unmask a.service", "systemctl unmask a.service"),
        ("journalctl --user -u a", "journalctl -u a"),
        ("pm2sd list shows what there is", "pm2sd --system list shows what there is"),
        ("name the app (pm2sd scale a -1)", "name the app (pm2sd --system scale a -1)"),
        ("pm2sd stop a, or pm2sd delete a", "pm2sd --system stop a, or pm2sd --system delete a"),
        ("pm2sd init writes one", "pm2sd init writes one"),
        ("pm2sd startled", "pm2sd startled"),
    ],
)
def test_commands_are_those_of_the_machine(
    hint: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scope.here(hint) == hint
    monkeypatch.setattr(scope, "system", True)
    assert scope.here(hint) == there


def test_every_command_that_is_changed_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "system", True)
    changed = [name for name in BY_NAME if scope.here(f"pm2sd {name}") != f"pm2sd {name}"]
    assert set(changed) == set(scope.OF_APPS)
    assert not {"init", "explain", "logrotate", "import", "alias"} & set(changed)
