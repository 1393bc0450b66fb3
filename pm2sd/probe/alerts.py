"""``alerts``: look at every instance of an app once, and raise the alarms that are due.

    alerts --app=NAME --name=TEXT [--restarts=N --within=MS] [--memory=BYTES] [--down=MS]
           [--log=PATH ...] [-- COMMAND ...]

An alarm is a line in the journal, and told as ``telling.py`` says. What is remembered from one
round to the next stands in the runtime directory; an alarm is raised once, until it is over.
"""

from __future__ import annotations

import marshal
import os
import time

from pm2sd.probe.judging import Allowed, Seen, judge
from pm2sd.probe.orders import Orders, orders
from pm2sd.probe.shown import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pm2sd.probe.judging import Memory

_PROPERTIES = (
    "Id",
    "ActiveState",
    "NRestarts",
    "Result",
    "ExecMainCode",
    "ExecMainStatus",
    "ControlGroup",
    "ActiveEnterTimestampMonotonic",
    "ActiveExitTimestampMonotonic",
)
_UP = ("active", "reloading", "refreshing")
_ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
# What the kernel cannot take back: the cache of files it drops by itself.
_HELD = frozenset(
    {"anon", "shmem", "sock", "kernel_stack", "pagetables", "percpu", "vmalloc"}
    | {"slab_unreclaimable"}
)


def main(arguments: list[str]) -> int:
    """One round; 1 if somebody could not be told."""
    given = orders(arguments)
    name = given.text("app")
    allowed = Allowed(
        restarts=_number(given, "restarts"),
        within=given.seconds("within"),
        memory=_number(given, "memory"),
        down=given.seconds("down") if given.has("down") else None,
    )
    path = f"{os.environ['XDG_RUNTIME_DIR']}/pm2sd/alerts/{name}"
    before = _load(path)
    after: dict[str, Memory] = {}
    due = []
    now = time.monotonic()
    for values in shown(name, _PROPERTIES):
        unit = values["Id"]
        after[unit], alarms = judge(allowed, _seen(values, allowed), before.get(unit), now)
        due += [(unit, values, alarm) for alarm in alarms]
    if after != before:
        _save(path, after)
    if not due:
        return 0
    from pm2sd.probe import telling

    failed = False
    for unit, values, alarm in due:
        number = unit.removesuffix(".service").rpartition("@")[2]
        text = f"{given.text('name')}@{number} {alarm.text}"
        if not alarm.again:
            print(f"<{5 if alarm.recovered else 4}>{text}", flush=True)
        event = "recovered" if alarm.recovered else alarm.what
        told = telling.tell(
            telling.Event(event, alarm.what, given.text("name"), int(number), unit, text),
            telling.ending(values),
            given.words,
            logs=(),
        )
        failed |= not told
        if told and not alarm.recovered:
            after[unit]["open"][alarm.what] = True
    _save(path, after)
    return int(failed)


def _seen(values: dict[str, str], allowed: Allowed) -> Seen:
    active = values["ActiveState"]
    state = "up" if active in _UP else "down" if active in ("failed", "activating") else "off"
    when = "ActiveEnterTimestampMonotonic" if state == "up" else "ActiveExitTimestampMonotonic"
    used = 0
    if allowed.memory is not None and state == "up":
        used = _memory(values.get("ControlGroup", ""), allowed.memory)
    return Seen(state, int(values[when] or 0) / 1e6, int(values["NRestarts"]), used)


def _memory(group: str, enough: int) -> int:
    """The memory that a control group holds; the whole of it, where that is less than enough."""
    root = next((root for root in _ROOTS if os.path.exists(f"{root}/cgroup.procs")), _ROOTS[0])
    try:
        with open(f"{root}{group}/memory.current", encoding="ascii") as file:
            whole = int(file.read())
        if whole < enough:
            return whole
        with open(f"{root}{group}/memory.stat", encoding="ascii") as file:
            counted = (line.split() for line in file)
            return sum(int(value) for key, value in counted if key in _HELD)
    except OSError:
        return _resident(f"{root}{group}")


def _resident(group: str) -> int:
    """Where the kernel does not count it: the processes' own pages, added up."""
    total = 0
    for directory, _, _ in os.walk(group):
        try:
            with open(f"{directory}/cgroup.procs", encoding="ascii") as file:
                pids = file.read().split()
        except OSError:
            continue
        for pid in pids:
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                    lines = [line.split() for line in file]
            except OSError:
                continue
            total += sum(int(w[1]) for w in lines if w[0] in ("RssAnon:", "RssShmem:")) * 1024
    return total


def _number(given: Orders, name: str) -> int | None:
    return int(given.text(name)) if given.has(name) else None


def _load(path: str) -> dict[str, Memory]:
    """What the last round noted, in Python's own notation, for which nothing is imported."""
    try:
        with open(path, "rb") as file:
            found: dict[str, Memory] = marshal.load(file)  # noqa: S302 (our own directory)
            return found
    except (OSError, EOFError, ValueError, TypeError):
        return {}


def _save(path: str, memory: dict[str, Memory]) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(f"{path}.new", "wb") as file:
        marshal.dump(memory, file)
    os.replace(f"{path}.new", path)
