"""When to restart."""

from __future__ import annotations

import pytest

from pm2sd.watch.pace import LONGEST, QUIET, SLOWEST, TOLERATED, Pace


def test_nothing_changed_nothing_is_due() -> None:
    assert Pace().due is None


def test_a_restart_comes_when_it_is_quiet() -> None:
    pace = Pace()
    pace.changed(["a"], 100.0)
    pace.changed(["b", "a"], 100.1)
    assert pace.due == pytest.approx(100.1 + QUIET)
    assert pace.take() == ["a", "b"]
    assert pace.due is None


def test_the_apps_delay_counts_from_the_last_change() -> None:
    pace = Pace(delay=3)
    pace.changed(["a"], 100.0)
    pace.changed(["a"], 102.0)
    assert pace.due == 105.0


def test_what_never_gets_quiet_does_not_wait_for_ever() -> None:
    pace = Pace()
    for tenth in range(200):
        pace.changed(["a"], 100 + tenth / 10)
    assert pace.due == 100 + LONGEST


def restarts(pace: Pace, path: str, gap: float, times: int, now: float = 100.0) -> list[float]:
    """The pauses between the end of each restart and the next, each for a change after ``gap``."""
    pauses = []
    for _ in range(times):
        pace.changed([path], now + gap)
        assert pace.due is not None
        pauses.append(pace.due - now)
        now = pace.due
        pace.take()
        pace.restarted(now)
    return pauses


def test_an_app_that_changes_itself_is_restarted_ever_slower() -> None:
    pauses = restarts(Pace(), "data.db", 0.1, 15)
    assert pauses[: TOLERATED + 1] == pytest.approx([0.1 + QUIET] * (TOLERATED + 1))
    assert pauses[TOLERATED + 1 :] == sorted(pauses[TOLERATED + 1 :])
    assert pauses[-1] == pytest.approx(SLOWEST)


def test_somebody_editing_is_not_slowed_down() -> None:
    assert max(restarts(Pace(), "a.js", 2.5, 10)) == pytest.approx(2.5 + QUIET)
    pace = Pace()
    several = [restarts(pace, f"{n}.js", 0.1, 1, 100.0 + n)[0] for n in range(10)]
    assert several == pytest.approx([0.1 + QUIET] * 10)


def test_a_pause_in_going_round_ends_it() -> None:
    pace = Pace()
    restarts(pace, "a", 0.1, 10)
    assert pace.is_going_round
    pace.changed(["a"], 10_000.0)
    assert not pace.is_going_round
    assert pace.due == 10_000.0 + QUIET
