"""The plan: three states in, the changes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from pm2sd.ecosystem.app import App
from pm2sd.notes import Note
from pm2sd.plan.conflicts import refuse_conflicts
from pm2sd.plan.effects import Effect, changed_directives, effect
from pm2sd.plan.stored import Stored, auxiliary
from pm2sd.units import names


class Action(StrEnum):
    """What happens to an app."""

    CREATE = "create"
    UPDATE = "update"
    START = "start"
    KEEP = "unchanged"
    REMOVE = "remove"
    ORPHAN = "no longer in the file"


@dataclass(frozen=True, slots=True)
class Desired:
    """An app as it shall be: its files by path, and whether its instances shall run."""

    app: App
    files: Mapping[str, str] = field(repr=False)
    notes: tuple[Note, ...] = ()

    @property
    def instances(self) -> tuple[str, ...]:
        """The unit names of its instances, in their order."""
        return tuple(names.instance(self.app.name, n) for n in range(self.app.instances))

    @property
    def auxiliary(self) -> tuple[str, ...]:
        """The units beside its instances that run whenever its target does."""
        return auxiliary(self.app.name, self.files)


@dataclass(frozen=True, slots=True)
class Running:
    """What the manager says of our units.

    ``active`` are the units that run, are being started or wait to be restarted; ``enabled`` the
    targets that come back at boot; ``stale`` the units that an interrupted run meant to restart
    and that have not been restarted since; ``unread`` the units whose files changed since the
    manager read them.
    """

    active: frozenset[str] = frozenset()
    enabled: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


Start: TypeAlias = Literal["autostart", "all", "none"]


@dataclass(frozen=True, slots=True)
class Options:
    """How far an apply may go; ``start`` says which of the instances that are down are started."""

    prune: bool = False
    force: bool = False
    start: Start = "autostart"


@dataclass(frozen=True, slots=True)
class AppChange:
    """What happens to one app, for people: the action, why, and which instances it disturbs.

    ``files`` are the paths of those that change; ``notes`` say how its options were carried over.
    """

    name: str
    action: Action
    reasons: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[Note, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that has to be done, in the order of its fields."""

    stop: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    write: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    reload: bool = False
    enable: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    changes: tuple[AppChange, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict, repr=False)

    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (
            self.stop
            or self.disable
            or self.write
            or self.remove
            or self.reload
            or self.enable
            or self.start
            or self.restart
        )


def make_plan(
    desired: Sequence[Desired],
    stored: Stored,
    running: Running,
    *,
    orphans: Sequence[str] = (),
    namespaces: Mapping[str, str] | None = None,
    foreign: Mapping[str, str] | None = None,
    options: Options = Options(),
) -> Plan:
    """Compare what shall be with what is.

    ``orphans`` are the names of stored apps that the configuration no longer has; ``namespaces``
    the files of the namespace targets as they shall be (None: as they are); ``foreign`` maps unit
    names that belong to somebody else to their path. Raises InvalidConfig where a file of the
    user's would be overwritten.
    """
    draft = _Draft(stored, running, options)
    refuse_conflicts(desired, orphans, stored, foreign or {}, options)
    for one in desired:
        draft.want(one)
    for name in orphans:
        draft.orphan(name)
    if namespaces is not None:
        draft.files(stored.namespaces, namespaces)
    return draft.finish()


@dataclass(frozen=True, slots=True)
class _Beside:
    start: list[str]
    restart: list[str]
    stop: list[str]


class _Draft:
    """A plan in the making."""

    def __init__(self, stored: Stored, running: Running, options: Options) -> None:
        self._stored = stored
        self._running = running
        self._options = options
        self._stop: list[str] = []
        self._disable: list[str] = []
        self._write: dict[str, str] = {}
        self._remove: list[str] = []
        self._reload = bool(running.unread)
        self._enable: list[str] = []
        self._start: list[str] = []
        self._restart: list[str] = []
        self._changes: list[AppChange] = []
        self._before: dict[str, str] = {}

    def want(self, one: Desired) -> None:
        """Make an app be as desired."""
        name = one.app.name
        old = self._stored.apps.get(name)
        before = old.files if old else self._stored.leftovers.get(name, {})
        effects, reasons = self.files(before, one.files)
        is_job = one.app.schedule is not None
        on_demand = one.app.idle_timeout is not None
        becomes_job = is_job and old is not None and old.app.schedule is None
        surplus = self._surplus(name, () if becomes_job else one.instances)
        wanted = _to_be_started(one.app, self._options.start)
        # A socket that is in use cannot be opened again: all its users have to go first.
        reopened = any(
            what is Effect.RESTART for path, what in effects.items() if path.endswith(".socket")
        )
        start, restart = [], []
        # A job is started by its timer, and a run that has begun is left to end.
        for unit in () if is_job else one.instances:
            if unit not in self._running.active:
                if wanted and not on_demand:
                    start.append(unit)
            elif (
                reopened
                or unit in self._running.stale
                or _effect_on(unit, effects) is Effect.RESTART
            ):
                restart.append(unit)
        if any(unit in self._running.stale for unit in restart) and not reasons:
            reasons = ["an earlier apply ended before its restart"]
        target = names.target(name)
        up = wanted or target in self._running.active
        beside = self._beside(one, effects, up=up)
        if one.app.autostart and up and target not in self._running.enabled:
            self._enable.append(target)
        elif old and old.app.autostart and not one.app.autostart:
            self._disable += [target] if target in self._running.enabled else []
        if (start or beside.start) and target not in self._running.active:
            self._start.append(target)
        self._stop += [*beside.stop, *surplus, *(restart if reopened else ())]
        self._start += [*start, *beside.start, *(restart if reopened else ())]
        self._restart += [*(() if reopened else restart), *beside.restart]
        self._changes.append(
            AppChange(
                name,
                _action(before, reasons, [*start, *beside.start], restart, surplus),
                tuple(reasons),
                tuple(start),
                tuple(restart),
                tuple(surplus),
                tuple(effects),
                one.notes,
            )
        )

    def _beside(self, one: Desired, effects: Mapping[str, Effect], *, up: bool) -> _Beside:
        """What happens to the units beside an app's instances; ``up``: its target is to be up."""
        active = self._active_beside(one.app.name)
        restart = [
            unit
            for unit in one.auxiliary
            if unit in active
            and (
                unit in self._running.stale
                or effects.get(names.template_of(unit)) is Effect.RESTART
            )
        ]
        reopen = [unit for unit in restart if unit.endswith(".socket")]
        gone = [
            unit
            for unit in active
            if names.template_of(unit) not in one.files
            or (unit.endswith(".socket") and unit not in one.auxiliary)
        ]
        return _Beside(
            start=[*(unit for unit in one.auxiliary if up and unit not in active), *reopen],
            restart=[unit for unit in restart if unit not in reopen],
            stop=[*gone, *reopen],
        )

    def _active_beside(self, name: str) -> list[str]:
        return sorted(unit for unit in self._running.active if names.is_auxiliary(unit, name))

    def orphan(self, name: str) -> None:
        """An app that the configuration no longer has: named, and removed when asked to."""
        if not self._options.prune:
            self._changes.append(AppChange(name, Action.ORPHAN))
            return
        old = self._stored.apps.get(name)
        files = old.files if old else self._stored.leftovers[name]
        target = names.target(name)
        around = (target, names.slice_name(name))
        stop = self._surplus(name, ())
        self._stop += [
            *self._active_beside(name),
            *stop,
            *(unit for unit in around if unit in self._running.active),
        ]
        self._disable += {target} & self._running.enabled
        self.files(files, {})
        self._changes.append(AppChange(name, Action.REMOVE, stop=tuple(stop)))

    def files(
        self, before: Mapping[str, str], after: Mapping[str, str]
    ) -> tuple[dict[str, Effect], list[str]]:
        """Plan files; say what the change of each does, by path, and which directives differ."""
        effects: dict[str, Effect] = {}
        reasons: list[str] = []
        for path in sorted(before.keys() | after.keys()):
            old, new = before.get(path), after.get(path)
            if old == new:
                continue
            effects[path] = effect(path, old, new)
            if new is None:
                self._remove.append(path)
            else:
                self._write[path] = new
            if old is not None:
                self._before[path] = old
                reasons += _reasons(path, old, new)
            elif before and path.endswith(".slice"):  # of other new files the target tells
                reasons += _reasons(path, "", new)
        # A new file of a unit that is not loaded is found without a reload.
        self._reload |= bool(before) and bool(effects)
        return effects, list(dict.fromkeys(reasons))

    def _surplus(self, name: str, wanted: Sequence[str]) -> list[str]:
        """The active instances beyond those wanted, the highest first."""
        surplus = []
        for unit in self._running.active:
            parsed = names.parse_instance(unit)
            if parsed and parsed[0] == name and unit not in wanted:
                surplus.append((parsed[1], unit))
        return [unit for _, unit in sorted(surplus, reverse=True)]

    def finish(self) -> Plan:
        """The plan."""
        return Plan(
            stop=tuple(self._stop),
            disable=tuple(self._disable),
            write=self._write,
            remove=tuple(self._remove),
            reload=self._reload,
            enable=tuple(self._enable),
            start=tuple(self._start),
            restart=tuple(self._restart),
            changes=tuple(self._changes),
            before=self._before,
        )


def _to_be_started(app: App, which: Start) -> bool:
    return which == "all" or (which == "autostart" and app.autostart)


def _effect_on(unit: str, effects: Mapping[str, Effect]) -> Effect:
    """What the changed files mean for one instance: those of the template, and its own drop-in."""
    app, number = names.parse_instance(unit) or ("", 0)
    own = {
        names.service_template(app),
        names.secrets_file(app),
        names.instance_drop_in(app, number),
    }
    return max((what for path, what in effects.items() if path in own), default=Effect.NOTHING)


def _reasons(path: str, old: str, new: str | None) -> list[str]:
    if path.endswith(".env"):
        return ["secrets"]
    return list(changed_directives(old, new or ""))


def _action(
    before: Mapping[str, str],
    reasons: Sequence[str],
    start: Sequence[str],
    restart: Sequence[str],
    stop: Sequence[str],
) -> Action:
    if not before:
        return Action.CREATE
    if reasons or restart or stop:
        return Action.UPDATE
    return Action.START if start else Action.KEEP
