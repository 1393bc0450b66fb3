"""Where the lines of the chosen apps come from: the journal, by identifier, and log files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pm2sd.ecosystem.app import App
from pm2sd.plan.select import Instance
from pm2sd.plan.stored import StoredApp
from pm2sd.systemd import flushed
from pm2sd.systemd.clock import Moment
from pm2sd.translate import memory, on_failure, watch
from pm2sd.translate.logs import Streams, fill_in, streams
from pm2sd.units import names
from pm2sd.units.model import JOURNAL, Output

Stream: TypeAlias = Literal["out", "err"]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that one instance writes, or all of an app's (``instance`` is None)."""

    path: str
    app: str
    instance: Instance | None
    streams: frozenset[Stream]


@dataclass(frozen=True, slots=True)
class Sources:
    """What to read: ``identifiers`` and ``units`` of the journal by app, and ``files``.

    ``helpers`` are the identifiers of what watches over apps (their files, their memory), with the
    app of each; ``hidden_before`` is the moment an app was flushed, if it ever was;
    ``limits`` are each app's limits of memory in words.
    """

    identifiers: Mapping[str, Mapping[str, Instance]]
    units: Mapping[str, Instance]
    files: tuple[LogFile, ...]
    helpers: Mapping[str, str] = field(default_factory=dict)
    hidden_before: Mapping[str, Moment] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)

    def instance_of(self, identifier: str) -> Instance | None:
        """The instance that logs under an identifier."""
        app = self.identifiers.get(identifier.rpartition("@")[0], {})
        return app.get(identifier)


def sources(
    apps: Mapping[str, StoredApp], chosen: Sequence[Instance], wanted: Iterable[Stream]
) -> Sources:
    """Where the wanted streams of some instances are."""
    by_app: dict[str, list[Instance]] = {}
    for one in chosen:
        by_app.setdefault(one.app, []).append(one)
    identifiers: dict[str, dict[str, Instance]] = {}
    files: list[LogFile] = []
    hidden = {}
    for name, members in by_app.items():
        app = apps[name].app
        logs = streams(app)
        outputs: dict[Stream, Output] = {"out": logs.output, "err": logs.error}
        asked = {stream: outputs[stream] for stream in wanted}
        unit_name = names.unit_name(name)
        if JOURNAL in asked.values():
            identifiers[unit_name] = {_identifier(logs, one): one for one in members}
        if moment := flushed.load(unit_name):
            hidden[name] = moment
        files += _files(app, members, asked)
    units = {one.unit: one for one in chosen}
    helpers = {watch.identifier(name): name for name in by_app if apps[name].app.watched}
    helpers |= {
        memory.identifier(name): name
        for name in by_app
        if apps[name].app.memory_policy == "graceful"
    }
    helpers |= {on_failure.identifier(name): name for name in by_app if apps[name].app.alerts}
    helpers |= {on_failure.teller(name): name for name in by_app if apps[name].app.webhook}
    limits = {name: memory.limits_text(apps[name].app) for name in by_app}
    return Sources(identifiers, units, tuple(files), helpers, hidden, limits)


def _identifier(logs: Streams, one: Instance) -> str:
    return fill_in(logs.identifier, one.number)


def _files(
    app: App, members: Sequence[Instance], outputs: Mapping[Stream, Output]
) -> Iterable[LogFile]:
    """The files of one app, each once: both streams may go to the same."""
    shared = app.merge_logs and app.instances > 1
    found: dict[str, tuple[Instance | None, set[Stream]]] = {}
    for stream, output in outputs.items():
        if output.kind == "append":
            for one in members:
                path = fill_in(output.path, one.number)
                entry = found.setdefault(path, (None if shared else one, set()))
                entry[1].add(stream)
    return [
        LogFile(path, app.name, instance, frozenset(of)) for path, (instance, of) in found.items()
    ]
