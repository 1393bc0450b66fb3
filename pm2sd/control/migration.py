"""Moving apps from PM2 to systemd while they run: one after the other, and back if it fails.

PM2's processes are stopped before ours are started, so no app ever runs twice. Whatever goes wrong
in between, an interruption included, ends with PM2's processes started again; after a ``kill -9``
the note of what was under way lets the next run take it up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pm2sd.control import lifecycle
from pm2sd.control.apply import carry_out, plan
from pm2sd.control.desired import Wanted
from pm2sd.control.interruption import deferred, interruptible, uninterrupted
from pm2sd.control.pm2 import Pm2
from pm2sd.control.ports import Address, await_answers, await_free, listening, with_children
from pm2sd.control.session import Session
from pm2sd.control.settle import Failure
from pm2sd.errors import Pm2sdError
from pm2sd.moving.apps import Moved
from pm2sd.moving.processes import Process
from pm2sd.plan.plan import Options
from pm2sd.plan.select import instances
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd.durable import failure as failure_of
from pm2sd.systemd.durable import replace
from pm2sd.systemd.paths import runtime_directory

ANSWER_SECONDS = 10.0
"""How long an app may take until the ports it had under PM2 answer."""

_FREE_SECONDS = 5.0
_BACK_SECONDS = 60.0
_POLL_SECONDS = 0.2
UP = ("online", "launching", "waiting restart")
"""The states of PM2 in which it keeps a process up."""
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Step(Enum):
    """What migrating does with one app; the value completes "it will be"."""

    MOVE = "moved"
    WRITE = "written, not started: it does not run in PM2"
    DONE = "left alone: pm2sd has it already"
    TWICE = "left alone: it runs under PM2 and under pm2sd"
    FOREIGN = "left alone: pm2sd has another app of this name"
    MISSING = "left alone: the file does not have it"


@dataclass(frozen=True, slots=True)
class Move:
    """One app of PM2's and what shall become of it.

    ``running`` are PM2's processes that are up; ``addresses`` what these listen on, as far as that
    can be seen before they are stopped (PM2's daemon listens for the workers of clusters).
    """

    name: str
    step: Step
    wanted: Wanted | None
    running: tuple[Process, ...]
    addresses: frozenset[Address]

    @property
    def ids(self) -> list[int]:
        """PM2's ids of the processes that are up."""
        return [process.id for process in self.running if process.id is not None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went with one app.

    ``seconds`` passed from the order to stop it under PM2 until its processes were started under
    systemd. ``failure`` says why PM2 has it again, or (``lost``) could not start it again either.
    """

    move: Move
    seconds: float = 0.0
    failure: Failure | None = None
    lost: bool = False


def moves(
    session: Session,
    apps: Sequence[Moved],
    wanted: Mapping[str, Wanted],
    under_way: Mapping[str, Sequence[int]],
) -> list[Move]:
    """What is to be done with each of PM2's apps; ``under_way`` is the note of a killed run."""
    stored = session.stored().apps
    found = []
    for app in apps:
        noted = under_way.get(app.name, ())
        running = tuple(
            process for process in app.processes if process.status in UP or process.id in noted
        )
        step = _step(session, running, wanted.get(app.name), stored.get(app.name))
        pids = with_children(process.pid for process in running if process.pid)
        addresses = listening(pids) if step is Step.MOVE else frozenset()
        found.append(Move(app.name, step, wanted.get(app.name), running, addresses))
    return found


def _step(
    session: Session, running: Sequence[Process], wanted: Wanted | None, stored: StoredApp | None
) -> Step:
    if wanted is None:
        return Step.MISSING
    if stored is None:
        return Step.MOVE if running else Step.WRITE
    if stored.app.source != wanted.app.source:
        return Step.FOREIGN
    rows = session.bus.units_by_name(stored.instances)
    if any(row.active not in ("inactive", "failed") for row in rows):
        return Step.TWICE if running else Step.DONE
    return Step.MOVE if running else Step.DONE


def carry_over(
    session: Session,
    pm2: Pm2,
    move: Move,
    *,
    failed: Callable[[Failure], None],
    done: Callable[[], None],
) -> Ended:
    """Move one app, or bring it back to PM2 where it does not come up.

    ``done`` is called after a success; ``failed`` before the way back, while there is still
    something to look at. Raises KeyboardInterrupt, with the app back under PM2.
    """
    assert move.wanted is not None
    prepared = plan(session, [move.wanted], options=Options(start="none"))
    if move.step is Step.WRITE:
        carry_out(session, prepared, [move.wanted])
        return Ended(move)
    was_stored = move.name in session.stored().apps
    with interruptible():
        try:
            # Everything that can be done before is: it is down for as long as the rest takes.
            carry_out(session, prepared, [move.wanted])
            seconds = _switch(session, pm2, move)
            done()
            forget()
            return Ended(move, seconds)
        except _Failed as reason:
            failure = reason.failure
        except Pm2sdError as error:
            failure = Failure(move.name, error.message)
        except BaseException:
            _put_back(session, pm2, move, was_stored=was_stored)
            raise
        failed(failure)
    back = _put_back(session, pm2, move, was_stored=was_stored)
    return Ended(move, failure=failure, lost=not back)


class _Failed(Exception):
    """An app that did not come up."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure


def _switch(session: Session, pm2: Pm2, move: Move) -> float:
    """Stop PM2's processes and start ours; the seconds in between. Raises _Failed."""
    assert move.wanted is not None
    wanted = [move.wanted]
    of_daemon = listening([pm2.daemon])
    note(move)
    began = time.monotonic()
    with deferred():  # an order that PM2 carries out after we looked would undo the way back
        pm2.stop(move.ids)
    addresses = _expected(move, of_daemon - listening([pm2.daemon]))
    if left := await_free(addresses, _FREE_SECONDS):
        why = f"something still listens on {_told(left)} after PM2 stopped it"
        raise _Failed(Failure(move.name, why))
    done = carry_out(session, plan(session, wanted, options=Options(start="all")), wanted)
    if done.failures:
        raise _Failed(done.failures[0])
    units = session.stored().apps[move.name].instances
    if silent := await_answers(addresses, ANSWER_SECONDS):
        why = f"{_told(silent)} did not answer within {ANSWER_SECONDS:g} s"
        raise _Failed(Failure(units[0], why))
    started = max(
        session.bus.get(unit, "Service", "ExecMainStartTimestampMonotonic") for unit in units
    )
    return float(started) / 1e6 - began


def _expected(move: Move, of_daemon: frozenset[Address]) -> frozenset[Address]:
    """The addresses that must answer again: not those that the kernel chose for the app."""
    assert move.wanted is not None
    least, most = map(int, _EPHEMERAL.read_text().split())
    app = move.wanted.app
    told = " ".join((*app.command, *app.env.values(), *app.secrets.values()))
    return frozenset(
        address
        for address in move.addresses | of_daemon
        if not least <= address.port <= most or str(address.port) in told
    )


def _told(addresses: frozenset[Address]) -> str:
    return ", ".join(map(str, sorted(addresses)))


def _put_back(session: Session, pm2: Pm2, move: Move, *, was_stored: bool) -> bool:
    """Stop ours, start PM2's; whether PM2 has all of them up."""
    with uninterrupted():
        stored = session.stored()
        if was_stored:
            lifecycle.stop(session, instances([stored.apps[move.name]]), stored.apps)
        elif move.name in stored.apps or move.name in stored.leftovers:
            carry_out(session, lifecycle.deletion(session, [move.name], force=True))
        return _restart(pm2, frozenset(move.ids))


def _restart(pm2: Pm2, ids: frozenset[int]) -> bool:
    """Have PM2 run its processes again; whether it does.

    Those that it is still stopping, which an interruption does not end, it restarts only after.
    """
    deadline = time.monotonic() + _BACK_SECONDS
    while True:
        states = {process.id: process.status for process in pm2.processes()}
        down = sorted(number for number in ids if states.get(number) not in UP)
        if not down:
            forget()
            return True
        if time.monotonic() > deadline or not all(number in states for number in down):
            return False
        ready = [number for number in down if states[number] != "stopping"]
        if ready:
            with suppress(Pm2sdError):
                pm2.restart(ready)
        else:
            time.sleep(_POLL_SECONDS)


# ---- the note of what is under way


def note(move: Move) -> None:
    """Note that PM2's processes of an app are about to be stopped, in case of a ``kill -9``."""
    path = _note_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, json.dumps({move.name: move.ids}).encode())
    except OSError as error:
        raise failure_of(error, "write", path) from error


def under_way() -> dict[str, list[int]]:
    """The app that an earlier run was killed at, and PM2's processes it stopped."""
    try:
        found = json.loads(_note_path().read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def forget() -> None:
    """Nothing is under way."""
    _note_path().unlink(missing_ok=True)


def _note_path() -> Path:
    return runtime_directory() / "migrating.json"
