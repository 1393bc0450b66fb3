"""The user manager: what can be asked of it and told to it. ``str`` in and out, few round trips."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, TypeAlias

from pm2sd.errors import Pm2sdError
from pm2sd.systemd.connection import MANAGER, PROPERTIES, SYSTEMD, Connection, connect, decoded
from pm2sd.systemd.errors import UnitError

Verb: TypeAlias = Literal["start", "stop", "restart"]

_METHODS: Final[Mapping[Verb, bytes]] = {
    "start": b"StartUnit",
    "stop": b"StopUnit",
    "restart": b"RestartUnit",
}

UNSET: Final = 2**64 - 1
"""What a 64-bit property says for "no value" and for ``infinity``: MemoryCurrent, MemoryMax ..."""

_ASK_EVERY: Final = 0.5
"""Seconds between two questions about all units that are waited for."""

_STEP: Final = 0.1
"""Seconds of one wait: pystemd holds the GIL for that long, and Ctrl-C is served between two."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done to a unit; PM2's verbs are systemd's here.

    ``alone``: not to what the unit wants, too. That has jobs of its own, and what ended before a
    second one comes would be started twice.
    """

    verb: Verb
    unit: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit as ``systemctl list-units`` has it: LoadState, ActiveState, SubState."""

    name: str
    description: str
    load: str
    active: str
    sub: str


class Bus:
    """A connection to the user manager, to be used in a ``with`` and by one thread.

    Every method raises UnitError or ManagerError for what systemd refuses, and ValueError once
    the bus is closed.
    """

    __slots__ = ("_connection", "_relinked")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._relinked = False

    @classmethod
    def open(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Connect: the manager's private socket first, then the user bus.

        Raises NoUserManager with the cause and the command that mends it.
        """
        return cls(connect(environ))

    def close(self) -> None:
        """Disconnect; doing it again does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def manager(self, prop: str) -> Any:
        """A property of the manager: ``Version``, ``ControlGroup``, ``UnitPath`` ..."""
        return decoded(self._connection.call(b"Get", b"ss", MANAGER, prop, interface=PROPERTIES))

    def version(self) -> int:
        """The version of systemd, 252 for ``252.39-1~deb12u2``."""
        return version_number(self.manager("Version"))

    def list_units(self, patterns: Sequence[str]) -> list[UnitRow]:
        """The loaded units that match one of the shell patterns; a backslash stands for itself."""
        if not patterns:
            return []
        return _rows(self._connection.call(b"ListUnitsByPatterns", b"asas", [], list(patterns)))

    def units_by_name(self, names: Sequence[str]) -> list[UnitRow]:
        """The units of these names, loaded if need be; ``load`` may be ``not-found``."""
        if not names:
            return []
        return _rows(self._connection.call(b"ListUnitsByNames", b"as", list(names)))

    def get(self, unit: str, interface: str, prop: str) -> Any:
        """One property of a unit, as ``get("api@0.service", "Service", "MainPID")``.

        A unit that is not loaded is loaded for it, and has default values if it does not exist.
        64-bit numbers may be ``UNSET``; an empty dictionary arrives as an empty list.
        """
        return decoded(
            self._connection.call(
                b"Get",
                b"ss",
                SYSTEMD + b"." + interface.encode(),
                prop,
                interface=PROPERTIES,
                path=self._connection.unit_path(unit),
                unit=unit,
            )
        )

    def get_all(self, unit: str) -> dict[str, Any]:
        """Every property of a unit, some 400: 2 to 4 ms, so for one unit only."""
        properties: dict[str, Any] = decoded(
            self._connection.call(
                b"GetAll",
                b"s",
                "",
                interface=PROPERTIES,
                path=self._connection.unit_path(unit),
                unit=unit,
            )
        )
        return properties

    def run_jobs(
        self,
        jobs: Iterable[Job],
        timeout: float,
        foreseen: Callable[[Sequence[str]], Mapping[str, str]] | None = None,
    ) -> dict[Job, str]:
        """Queue all the jobs, then wait until each has ended; how each ended, in that order.

        A result is the job's own (``done``, ``failed``, ``canceled``, ``dependency``, ``skipped``,
        ``timeout`` ...: JobRemoved in org.freedesktop.systemd1(5)) or the ``reason`` of the
        UnitError that queueing it met (``no-such-unit``, ``masked`` ...). Jobs that have not ended
        after ``timeout`` seconds stay queued and count as ``timeout`` too. ``foreseen``
        is asked now and then, with the units that are waited for, how the jobs of some of them will
        end: these stay queued too and count as that.
        """
        deadline = time.monotonic() + timeout
        asked = time.monotonic()
        queued: dict[bytes, list[Job]] = {}
        results: dict[Job, str] = {}
        wanted = list(dict.fromkeys(jobs))

        self._connection.listen()
        for job in wanted:
            try:
                mode = "ignore-requirements" if job.alone else "replace"  # systemctl(1), --job-mode
                path = self._connection.call(
                    _METHODS[job.verb], b"ss", job.unit, mode, unit=job.unit
                )
            except UnitError as refused:
                results[job] = refused.reason
            else:
                queued.setdefault(path, []).append(job)
        while queued and (left := deadline - time.monotonic()) > 0:
            removed = self._connection.removed_job(min(left, _STEP))
            if removed:
                for job in queued.pop(removed[0], ()):
                    results[job] = removed[1]
            if foreseen and queued and time.monotonic() >= asked + _ASK_EVERY:
                asked = time.monotonic()
                ends = foreseen([job.unit for same in queued.values() for job in same])
                for path, same in list(queued.items()):
                    if any(job.unit in ends for job in same):
                        for job in queued.pop(path):
                            results[job] = ends[job.unit]
        for job in (job for same in queued.values() for job in same):
            results[job] = "timeout"
        return {job: results[job] for job in wanted}

    def reload(self) -> None:
        """Make the manager read changed unit files again, and wait for it.

        The dear call: 0.1 s with few units, 2 s with 1000, and the manager does nothing else.
        """
        self._connection.call(b"Reload")
        self._relinked = False

    def enable(self, units: Sequence[str]) -> None:
        """Make the symbolic links that ``[Install]`` asks for. Needs no reload to start units."""
        if units:
            self._relinked = True
            self._connection.call(
                b"EnableUnitFiles", b"asbb", list(units), False, True, unit=", ".join(units)
            )

    def disable(self, units: Iterable[str]) -> None:
        """Remove the symbolic links of units, whose files may be gone already."""
        for unit in units:
            self._relinked = True
            with _missing_is_fine():
                self._connection.call(b"DisableUnitFiles", b"asb", [unit], False, unit=unit)

    def take_in_links(self) -> None:
        """Have the manager take in what was enabled and disabled, where it asks for that.

        systemd 257 says of every unit, whose files may be as they were, that a reload is needed
        until then; 252 does not (systemctl reloads after both).
        """
        if self._relinked and self.get("basic.target", "Unit", "NeedDaemonReload"):
            self.reload()

    def unit_file_state(self, unit: str) -> str:
        """``enabled``, ``disabled``, ``static``, ``masked`` ...; empty where there is no file."""
        with _missing_is_fine():
            return str(decoded(self._connection.call(b"GetUnitFileState", b"s", unit, unit=unit)))
        return ""

    def reset_failed(self, units: Iterable[str]) -> None:
        """Forget failures and start counts; a unit that is not loaded has none."""
        for unit in units:
            with _missing_is_fine():
                self._connection.call(b"ResetFailedUnit", b"s", unit, unit=unit)

    def kill(
        self, unit: str, signal: int, whom: Literal["main", "control", "all"] = "main"
    ) -> None:
        """Send a signal to a unit's processes; ``no-process`` is the reason when none runs."""
        self._connection.call(b"KillUnit", b"ssi", unit, whom, int(signal), unit=unit)


def version_number(text: str) -> int:
    """The number in a Version property: 252 for ``252.39-1~deb12u2`` and for ``v252-2.fc37``."""
    digits = text.lstrip("v")
    count = next((at for at, char in enumerate(digits) if not char.isdigit()), len(digits))
    if not count:
        raise Pm2sdError(f"systemd says its version is {text!r}, which is none")
    return int(digits[:count])


def _rows(units: Iterable[tuple[Any, ...]]) -> list[UnitRow]:
    return [UnitRow(*(field.decode() for field in unit[:5])) for unit in units]


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    try:
        yield
    except UnitError as error:
        if error.reason != "no-such-unit":
            raise
