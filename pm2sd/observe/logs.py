"""What apps print: what they printed last, and what they print from now on."""

from __future__ import annotations

import re
import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, TypeAlias

from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.observe.log_sources import LogFile, Sources, Stream
from pm2sd.observe.tail import Tail
from pm2sd.plan.select import Instance
from pm2sd.systemd.clock import Clocks
from pm2sd.systemd.exits import Message
from pm2sd.systemd.following import Following
from pm2sd.systemd.journal import Entry, Query, dropped, entries, suppressed
from pm2sd.units import names

Kind: TypeAlias = Literal["out", "err", "systemd", "dropped"]

POLL_SECONDS: Final = 0.25
"""How often log files are looked at while following; the journal wakes us by itself."""

SETTLED_SECONDS: Final = 0.2
"""After this time nothing is added to the journal any more that was logged before."""

_ERRORS: Final = (0, 1, 2, 3)
_OTHERS: Final = (4, 5, 6, 7)
_PRIORITIES: Final[dict[Stream, tuple[int, ...]]] = {"err": _ERRORS, "out": _OTHERS}

_USUAL_RATE: Final = 10_000 / 30
"""Lines a second: RateLimitBurst= and RateLimitIntervalSec= of journald.conf(5)."""

_MANY: Final = 10

_MESSAGES_PER_LINE: Final = 4
"""What systemd says about a unit for each line of one that prints one and crashes."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something to show. ``text`` may hold newlines, and surrogates for bytes that are no UTF-8.

    ``kind`` is the stream, ``systemd`` for what the manager says of the unit, or ``dropped`` for
    what journald says of lines that it left out, which are of no certain app. ``time`` is in
    seconds since 1970, None for a line that was in a file before we looked. ``instance`` is
    None for a file that several instances share.
    """

    time: float | None
    kind: Kind
    app: str
    instance: Instance | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines to show: the last ``lines`` of each app (None: all), since a time, matching.

    ``since`` is a time of systemd.time(7); ``grep`` is an expression as of ``journalctl --grep``.
    ``messages`` adds what the manager says.
    """

    lines: int | None = 15
    streams: tuple[Stream, ...] = ("out", "err")
    since: str | None = None
    grep: str | None = None
    messages: bool = True


class Logs:
    """The logs of some instances, first what is there, then what comes.

    To be used in a ``with``. Files are remembered from the first look on, so that between
    ``history`` and ``follow`` nothing is lost or shown twice. ``refresh`` finds the sources
    afresh; with it, ``follow`` takes in apps and instances that come to be meanwhile.
    """

    __slots__ = (
        *("_clocks", "_filter", "_pattern", "_refresh"),
        *("_sources", "_split", "_strangers", "_tails"),
    )

    def __init__(
        self, sources: Sources, wanted: Filter, refresh: Callable[[], Sources] | None = None
    ) -> None:
        self._sources, self._filter, self._refresh = sources, wanted, refresh
        self._pattern = _compiled(wanted.grep) if sources.files else None
        self._tails = {file.path: (file, Tail(file.path)) for file in sources.files}
        self._strangers: set[str] = set()
        # The journal is cut at a moment that it has settled before: history ends, following
        # begins there. Where the clock was set meanwhile, an entry counts for when it was by the
        # clock of now: what was said before it was set back has times that are still to come.
        self._clocks = Clocks.read()
        self._split = self._clocks.now.realtime - int(SETTLED_SECONDS * 1e6)

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_reason: object) -> None:
        for _, tail in self._tails.values():
            tail.close()

    def history(self, *, complete: bool) -> list[Line]:
        """What was printed, in the order of time; the lines of a file stand at its last change.

        ``complete``: up to now, as nothing follows. Raises Pm2sdError.
        """
        end = None if complete else self._split
        found: list[tuple[float, Line]] = []
        oldest: dict[str, float] = {}
        for unit_name in self._sources.identifiers:
            lines = self._app_lines(unit_name, end)
            found += lines
            if lines:
                oldest[lines[0][1].app] = lines[0][0]
        if self._filter.messages and self._filter.lines != 0:
            found += self._messages(oldest, end)
        if self._filter.lines != 0 and self._filter.since is None:
            for file, tail in self._tails.values():
                found += self._file_lines(file, tail, partial=complete)
        found.sort(key=lambda pair: pair[0])
        return [line for _, line in found]

    def unreadable(self) -> dict[str, str]:
        """The log files that are there and cannot be opened, each with the reason."""
        tails = (tail for _, tail in self._tails.values())
        return {tail.path: tail.refusal for tail in tails if tail.refusal}

    def is_blind(self) -> bool:
        """Whether nothing of what the apps print can be read: there are files only, none opens."""
        return not self._sources.identifiers and len(self.unreadable()) == len(self._tails) > 0

    def dropped(self, shown: Sequence[Line]) -> int | None:
        """How many lines of this user's apps journald dropped since the first that is shown.

        None where that cannot be read: journald notes it in the system's journal.
        """
        times = [line.time for line in shown if line.time is not None]
        return suppressed(f"@{min(times):.6f}") if times else 0

    def follow(self, reader: int) -> Iterator[list[Line]]:
        """What is printed from now on, until nobody reads the descriptor ``reader`` any more.

        Raises Pm2sdError if the journal cannot be read.
        """
        poll = select.poll()
        poll.register(reader, 0)
        with ExitStack() as stack:
            journal = None
            query = self._following_query()
            if query:
                journal = stack.enter_context(Following(query))
                poll.register(journal, select.POLLIN)
            while True:
                ready = dict(poll.poll(POLL_SECONDS * 1000 if self._tails else None))
                if reader in ready:
                    return
                lines: list[Line] = []
                if journal and journal.fileno() in ready:
                    lines += self._read(journal)
                now = time.time()
                for file, tail in self._tails.values():
                    lines += [
                        Line(now, _kind(file), file.app, file.instance, text)
                        for text in map(_text, tail.read())
                        if self._matches(text)
                    ]
                if lines:
                    yield lines

    def _read(self, journal: Following) -> Iterator[Line]:
        for entry in journal.read():
            if self._clocks.reckoned(entry.when) < self._split:
                continue
            if number := dropped(entry):
                text = f"journald dropped {number} lines of your apps: its rate limit"
                yield Line(entry.realtime_usec / 1e6, "dropped", "", None, text)
            else:
                self._get_to_know(entry)
                yield from self._shown(entry)

    def _get_to_know(self, entry: Entry) -> None:
        """Look for new sources if an entry may be of an app or instance that is not known."""
        unit = entry.about or f"{entry.identifier}.service"
        known = unit in self._sources.units or unit in self._strangers
        if self._refresh is None or known or names.parse_instance(unit) is None:
            return
        self._sources = self._refresh()
        if unit not in self._sources.units:
            self._strangers.add(unit)
        for file in self._sources.files:
            _, tail = self._tails.get(file.path) or (None, Tail(file.path))
            self._tails[file.path] = (file, tail)

    def _app_lines(self, unit_name: str, end: int | None) -> list[tuple[float, Line]]:
        wanted = self._filter
        if wanted.lines == 0:
            return []
        query = Query(
            identifiers=tuple(self._sources.identifiers[unit_name]),
            priorities=self._priorities(),
            # With both, systemd 252 gives the first lines after that time, not the last.
            lines=None if wanted.since else wanted.lines,
            since=wanted.since,
            grep=wanted.grep,
        )
        found: deque[tuple[float, Line]] = deque(maxlen=wanted.lines)
        for entry in entries(query):
            at = self._clocks.reckoned(entry.when)
            if end is None or at < end:
                found.extend((at / 1e6, line) for line in self._shown(entry))
        return list(found)

    def _messages(self, oldest: dict[str, float], end: int | None) -> list[tuple[float, Line]]:
        """What the manager said about the units since the oldest line that is shown of their app.

        Of an app that shows none: its last messages.
        """
        wanted, units = self._filter, self._sources.units
        limit = None if wanted.lines is None else wanted.lines * _MESSAGES_PER_LINE
        query = Query(
            identifiers=tuple(self._sources.helpers),
            units=tuple(units),
            lines=None if wanted.since or limit is None else limit * max(1, len(units)),
            since=wanted.since,
            grep=wanted.grep,
        )
        silent: dict[str, deque[tuple[float, Line]]] = {}
        found = []
        for entry in entries(query):
            reckoned = self._clocks.reckoned(entry.when)
            if end is not None and reckoned >= end:
                continue
            at = reckoned / 1e6
            for line in self._shown(entry):
                if line.app not in oldest:
                    silent.setdefault(line.app, deque(maxlen=wanted.lines)).append((at, line))
                elif at >= oldest[line.app] or wanted.since:
                    found.append((at, line))
        return [*found, *(pair for last in silent.values() for pair in last)]

    def _file_lines(self, file: LogFile, tail: Tail, *, partial: bool) -> list[tuple[float, Line]]:
        at = min(tail.changed() or 0, self._clocks.now.realtime / 1e6)
        matching = filter(self._matches, map(_text, tail.history(partial=partial)))
        last = list(islice(matching, self._filter.lines))
        return [(at, Line(None, _kind(file), file.app, file.instance, t)) for t in reversed(last)]

    def _following_query(self) -> Query | None:
        """What to follow in the journal: with ``refresh`` all there is, to see what is new."""
        identifiers: tuple[str, ...] = ()
        units: tuple[str, ...] = ()
        if self._refresh is None:
            identifiers = tuple(
                identifier for app in self._sources.identifiers.values() for identifier in app
            )
            if self._filter.messages:
                units = tuple(self._sources.units)
                identifiers += tuple(self._sources.helpers)
            if not identifiers and not units:
                return None
        return Query(
            identifiers=identifiers,
            units=units,
            priorities=self._priorities(),
            since=f"@{self._split / 1e6:.6f}",
            grep=self._filter.grep,
            follow=True,
            drops=True,
        )

    def _priorities(self) -> tuple[int, ...]:
        """Those of the wanted streams; none stand for all."""
        if len(self._filter.streams) != 1:
            return ()
        return _PRIORITIES[self._filter.streams[0]]

    def _shown(self, entry: Entry) -> Sequence[Line]:
        """An entry as a line; nothing for one that was flushed or is of none of the instances."""
        kind: Kind = "systemd"
        text = entry.message
        if instance := self._sources.instance_of(entry.identifier):
            app: str | None = instance.app
            kind = "err" if entry.priority in _ERRORS else "out"
        elif app := self._sources.helpers.get(entry.identifier):
            text = f"{app}: {text}"
        elif instance := self._sources.units.get(entry.about):
            app = instance.app
            limits = self._sources.limits.get(app)
            if limits and entry.fields.get("MESSAGE_ID") == Message.OUT_OF_MEMORY:
                text = f"{text.removesuffix('.')}: {limits}"  # systemd does not say which
            elif entry.fields.get("UNIT_RESULT") == "watchdog":
                text = f"{text.removesuffix('.')}: it failed its health check"
        wanted = self._filter.messages if kind == "systemd" else kind in self._filter.streams
        if app is None or not wanted:
            return ()
        hidden = self._sources.hidden_before.get(app)
        if hidden and self._clocks.reckoned(entry.when) < self._clocks.reckoned(hidden):
            return ()
        return (Line(entry.realtime_usec / 1e6, kind, app, instance, text),)

    def _matches(self, text: str) -> bool:
        return self._pattern is None or self._pattern.search(text) is not None


def is_hurried(shown: Sequence[Line]) -> bool:
    """Whether lines came so fast that journald may have dropped some: more than its limit allows
    in the long run, where nothing else is set.
    """
    times = [line.time for line in shown if line.kind in ("out", "err") and line.time is not None]
    return len(times) >= _MANY and (max(times) - min(times)) * _USUAL_RATE < len(times)


def _kind(file: LogFile) -> Kind:
    """The stream of a file's lines; which of two is not recorded in it."""
    return "err" if file.streams == {"err"} else "out"


def _text(line: bytes) -> str:
    return line.decode(errors="surrogateescape")


def _compiled(grep: str | None) -> re.Pattern[str] | None:
    """An expression as journalctl takes it: in any case, unless it has a capital letter."""
    if grep is None:
        return None
    try:
        return re.compile(grep, 0 if any(map(str.isupper, grep)) else re.IGNORECASE)
    except re.error as error:
        raise Pm2sdError(
            f"{grep!r} is not a regular expression: {error}", code=ExitStatus.USAGE
        ) from None
