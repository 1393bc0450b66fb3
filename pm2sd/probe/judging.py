"""When an app is worth an alarm: what was seen of an instance, against what is allowed.

Pure: what it remembers comes in and goes out as plain data. Times are seconds of CLOCK_MONOTONIC.
Nothing is imported: every app with alerts has this run twice a minute.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # a plain name: to import typing costs as much as to start Python
    from collections.abc import Iterator
    from typing import TypedDict

    class Memory(TypedDict):
        """What is remembered of an instance.

        ``counted`` is the last count of restarts, ``times`` has each restart that is not too long
        ago, ``down`` when it was first seen down (0: it is not), ``open`` the alarms that were
        raised, with whether they were delivered.
        """

        counted: int
        times: list[float]
        down: float
        open: dict[str, bool]


SETTLED = 5.0
"""An instance that runs for less long is not up again yet."""

CALM = 0.9
"""Memory is well again below this part of what is allowed."""


class Allowed:
    """How many restarts in how many seconds, bytes, seconds of being down.

    What is None is not looked at.
    """

    __slots__ = ("down", "memory", "restarts", "within")

    def __init__(
        self,
        *,
        restarts: int | None = None,
        within: float = 0,
        memory: int | None = None,
        down: float | None = None,
    ) -> None:
        self.restarts, self.within, self.memory, self.down = restarts, within, memory, down


class Seen:
    """An instance now.

    ``state`` is ``up``, ``down`` (failed, or about to be started again) or ``off`` (stopped by
    somebody, or it has done its work); ``since`` is when it got so, 0 if that is not known.
    ``restarts`` counts automatic ones, from 0 after a start by hand; ``memory`` is bytes.
    """

    __slots__ = ("memory", "restarts", "since", "state")

    def __init__(self, state: str, since: float = 0, restarts: int = 0, memory: int = 0) -> None:
        self.state, self.since, self.restarts, self.memory = state, since, restarts, memory


class Alarm:
    """Something to tell: ``what`` is ``restarts``, ``memory`` or ``down``.

    ``again``: it was raised before, and could not be delivered.
    """

    __slots__ = ("again", "recovered", "text", "what")

    def __init__(
        self, what: str, text: str, *, recovered: bool = False, again: bool = False
    ) -> None:
        self.what, self.text, self.recovered, self.again = what, text, recovered, again


def judge(
    allowed: Allowed, seen: Seen, before: Memory | None, now: float
) -> tuple[Memory, list[Alarm]]:
    """What to remember, and the alarms that are due: those raised now, or not delivered so far.

    The restarts before the first look do not count: how long ago they were is not known.
    """
    memory = _remembered(allowed, seen, before, now)
    if seen.state == "off":
        memory["open"].clear()
        return memory, []
    due = []
    for what, wrong, well, text in _verdicts(allowed, seen, memory, now):
        if wrong and not memory["open"].get(what):
            due.append(Alarm(what, text, again=what in memory["open"]))
            memory["open"][what] = False
        # Who was not told of the alarm need not be told of its end.
        elif well and memory["open"].pop(what, False):
            due.append(Alarm(what, _WELL[what], recovered=True))
    return memory, due


_WELL = {
    "restarts": "no longer restarts again and again",
    "memory": "uses less memory again",
    "down": "is up again",
}


def _remembered(allowed: Allowed, seen: Seen, before: Memory | None, now: float) -> Memory:
    if before is None:
        return {"counted": seen.restarts, "times": [], "down": _down(seen, 0, now), "open": {}}
    new = seen.restarts - before["counted"]
    new = seen.restarts if new < 0 else new  # started by hand meanwhile
    times = [at for at in before["times"] if at > now - allowed.within]
    return {
        "counted": seen.restarts,
        "times": [*times, *[now] * new],
        "down": _down(seen, before["down"], now),
        "open": dict(before["open"]),
    }


def _down(seen: Seen, before: float, now: float) -> float:
    if seen.state == "off" or (seen.state == "up" and now - seen.since >= SETTLED):
        return 0
    return before or (seen.since if seen.state == "down" and seen.since else now)


def _verdicts(
    allowed: Allowed, seen: Seen, memory: Memory, now: float
) -> Iterator[tuple[str, bool, bool, str]]:
    """What is looked at: its name, whether it is wrong, whether it is well, what to say."""
    if allowed.restarts is not None:
        count = len(memory["times"])
        text = f"restarted {count} times in the last {duration(allowed.within)}"
        yield "restarts", count >= allowed.restarts, count < allowed.restarts, text
    if allowed.memory is not None and seen.state == "up":
        text = f"uses {seen.memory >> 20}M of memory, more than {allowed.memory >> 20}M"
        well = seen.memory < allowed.memory * CALM
        yield "memory", seen.memory >= allowed.memory, well, text
    if allowed.down is not None:
        seconds = now - memory["down"] if memory["down"] else 0
        text = f"is down for {duration(seconds)}"
        yield "down", seconds >= allowed.down, not memory["down"], text


def duration(seconds: float) -> str:
    """``1h``, ``5m``, ``90s``: whole units only."""
    whole = round(seconds)
    for unit, length in (("h", 3600), ("m", 60)):
        if whole and whole % length == 0:
            return f"{whole // length}{unit}"
    return f"{whole}s"
