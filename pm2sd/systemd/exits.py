"""How a unit's main process last ended, from what the manager logged about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pm2sd.probe import NOT_IN_TIME, RESTARTED
from pm2sd.systemd.clock import Clocks
from pm2sd.systemd.journal import Entry, Query, entries


class Message(StrEnum):
    """The MESSAGE_IDs that tell of a unit's life: src/systemd/sd-messages.h, and one of ours."""

    STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
    STARTED = "39f53479d3a045ac8e11786248231fbf"
    STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
    PROCESS_EXIT = "98e322203f7a4ed290d09fe03c09fe15"
    OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"
    SUCCESS = "7ad2d189f7e94e70a38c781354912448"
    FAILURE_RESULT = "d9b373ed55a64feb8242e02dbe79a49c"
    RESTART_SCHEDULED = "5eb03494b6584870a536b337290809b3"
    UNHEALTHY = RESTARTED


_ENOUGH: Final = 16
"""More entries than one life of a unit leaves behind."""

_OURS: Final = ("unready", "unhealthy")
_RESULTS: Final = {"exited": "exit-code", "killed": "signal", "dumped": "core-dump"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The end of a main process.

    ``code`` is ``exited``, ``killed`` or ``dumped`` with the exit status or signal number in
    ``status``; empty and None where the manager logged neither, as it does for clean exits.
    ``result`` is the unit's Result: ``success``, ``exit-code``, ``signal``, ``oom-kill``,
    ``timeout``, ``start-limit-hit`` ...; ``unready`` where the check of ``ready`` gave up on it,
    ``unhealthy`` where that of ``health`` did. ``requested`` is set when somebody stopped or
    restarted it.
    """

    code: str = ""
    status: int | None = None
    result: str = "success"
    requested: bool = False
    realtime_usec: int


def last_exit(unit: str) -> Exit | None:
    """How the unit last ended, None if the journal knows of no end. Raises Pm2sdError."""
    query = Query(units=(unit,), message_ids=tuple(Message), lines=_ENOUGH)
    return told_by(entries(query))


def history(unit: str, count: int) -> list[Exit]:
    """The last ends of a unit, the latest first. Raises Pm2sdError."""
    query = Query(units=(unit,), message_ids=tuple(Message), lines=_ENOUGH * count)
    return ends(entries(query))[: -count - 1 : -1]


def restarts_since(units: Sequence[str], seconds: float) -> dict[str, int]:
    """How often the manager restarted some units in the last seconds. Raises Pm2sdError.

    Of units that are restarted much more often than others the older ones are not seen.
    """
    lines = _ENOUGH * (len(units) + 8)
    query = Query(units=tuple(units), message_ids=(Message.RESTART_SCHEDULED,), lines=lines)
    clocks = Clocks.read()
    after = clocks.now.realtime - seconds * 1e6
    found: dict[str, int] = {}
    for entry in entries(query):
        if clocks.reckoned(entry.when) >= after:
            found[entry.unit] = found.get(entry.unit, 0) + 1
    return found


def last_exits(units: Sequence[str]) -> dict[str, Exit]:
    """How each of some units last ended, in one question. Raises Pm2sdError.

    Those that have not ended for long, while others did again and again, are missing.
    """
    query = Query(units=tuple(units), message_ids=tuple(Message), lines=_ENOUGH * (len(units) + 8))
    logs: dict[str, list[Entry]] = {}
    for entry in entries(query):
        logs.setdefault(entry.unit, []).append(entry)
    found = ((unit, told_by(log)) for unit, log in logs.items())
    return {unit: last for unit, last in found if last is not None}


def told_by(log: Iterable[Entry]) -> Exit | None:
    """The last end of a unit that a run of the manager's messages on it tells of."""
    found = ends(log)
    return found[-1] if found else None


def ends(log: Iterable[Entry]) -> list[Exit]:
    """All ends of a unit that a run of the manager's messages on it tells of, oldest first."""
    found: list[Exit] = []
    ending: Exit | None = None
    for entry in log:
        message = entry.fields.get("MESSAGE_ID", "")
        if message in (Message.STARTING, Message.STARTED):
            found += [ending] if ending else []
            ending = None
            continue
        so_far = ending or Exit(realtime_usec=entry.realtime_usec)
        match message:
            case Message.STOPPING:
                ending = replace(so_far, requested=True)
            case Message.UNHEALTHY:
                ending = replace(so_far, result="unhealthy")
            case Message.PROCESS_EXIT if entry.fields.get("COMMAND", "") == "ExecStartPost":
                ending = replace(so_far, result="unready") if _gave_up(entry) else so_far
            case Message.PROCESS_EXIT:
                ending = _with_status(so_far, entry)
            case Message.OUT_OF_MEMORY:
                ending = replace(so_far, result="oom-kill")
            case Message.FAILURE_RESULT if so_far.result in _OURS:
                ending = so_far
            case Message.FAILURE_RESULT:
                ending = replace(so_far, result=entry.fields.get("UNIT_RESULT", "failed"))
            case Message.SUCCESS | Message.RESTART_SCHEDULED:
                ending = so_far
    return [*found, ending] if ending else found


def _gave_up(entry: Entry) -> bool:
    return entry.fields.get("EXIT_STATUS") == str(NOT_IN_TIME)


def _with_status(so_far: Exit, entry: Entry) -> Exit:
    code = entry.fields.get("EXIT_CODE", "")
    status = entry.fields.get("EXIT_STATUS", "")
    result = so_far.result if so_far.result != "success" else _RESULTS.get(code, "exit-code")
    return replace(
        so_far, code=code, status=int(status) if status.isdigit() else None, result=result
    )
