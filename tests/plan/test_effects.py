"""Which changes of a unit file disturb the processes that run."""

from __future__ import annotations

import pytest

from pm2sd.plan.effects import Effect, effect

OLD = "[Unit]\nDescription=x\n\n[Service]\nExecStart=:a\nMemoryMax=1\n\n[X-Pm2sd]\nHash=1\n"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (OLD, Effect.NOTHING),
        (OLD.replace("Hash=1", "Hash=2"), Effect.RELOAD),
        (OLD.replace("MemoryMax=1", "MemoryMax=2"), Effect.RELOAD),
        (OLD.replace("MemoryMax=1\n", ""), Effect.RELOAD),
        (OLD.replace("ExecStart=:a", "ExecStart=:b"), Effect.RESTART),
        (OLD.replace("[Service]", "[Service]\nNice=1"), Effect.RESTART),
        (OLD.replace("Description=x", "# a comment\nDescription=x"), Effect.RELOAD),
        (None, Effect.RESTART),
    ],
)
def test_effect(new: str | None, expected: Effect) -> None:
    assert effect("web@.service", OLD, new) is expected


def test_secrets_always_need_a_restart() -> None:
    assert effect("web@.service.d/secrets.env", 'A="1"\n', 'A="2"\n') is Effect.RESTART
