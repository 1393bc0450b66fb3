from __future__ import annotations

from dataclasses import replace

import pytest

from pm2sd.observe.status import Row, sort_rows, state_of


# ActiveState and SubState as systemd 252 to 257 give them for services.
@pytest.mark.parametrize(
    ("active", "sub", "word"),
    [
        ("active", "running", "online"),
        ("active", "exited", "online"),
        ("reloading", "reload", "online"),
        ("activating", "start-pre", "launching"),
        ("activating", "start", "launching"),
        ("activating", "start-post", "launching"),
        ("activating", "auto-restart", "waiting restart"),
        ("activating", "auto-restart-queued", "waiting restart"),
        ("deactivating", "stop-sigterm", "stopping"),
        ("deactivating", "final-sigkill", "stopping"),
        ("inactive", "dead", "stopped"),
        ("failed", "failed", "errored"),
        ("something new", "x", "something new"),
    ],
)
def test_states_in_pm2s_words(active: str, sub: str, word: str) -> None:
    assert state_of(active, sub) == word


BASE = Row(
    name="a",
    instance=0,
    id=0,
    unit="a@0.service",
    namespace="default",
    mode="fork",
    state="online",
    pid=1,
    uptime=1.0,
    restarts=0,
    cpu=0.0,
    memory=1,
    user="me",
    result="",
    oom=False,
    flapping=False,
    unhealthy=False,
    enabled=True,
)


def test_rows_without_a_value_come_last_in_either_order() -> None:
    small, big = replace(BASE, id=1, memory=1), replace(BASE, id=2, memory=2)
    down = replace(BASE, id=3, memory=None)
    assert sort_rows([big, down, small], "memory") == [small, big, down]
    assert sort_rows([big, down, small], "mem", descending=True) == [big, small, down]


def test_what_pm2_calls_a_column_is_understood_and_nonsense_is_not() -> None:
    stopped = replace(BASE, state="stopped")
    assert sort_rows([stopped, BASE], "status") == [BASE, stopped]
    with pytest.raises(KeyError):
        sort_rows([BASE], "sort")
