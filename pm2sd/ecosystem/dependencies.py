"""``depends_on``: which apps come first, all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.nodes import Source
from pm2sd.ecosystem.options.dependencies import entries
from pm2sd.errors import Problem
from pm2sd.notes import Fidelity, Note

Resolved = tuple[App, tuple[Note, ...]]


@dataclass(frozen=True, slots=True)
class Named:
    """A declared app, and the name it goes by (``name`` may have got a prefix or an ending)."""

    name: str
    declared: Declared


def in_order(
    apps: Sequence[Resolved], named: Sequence[Named], source: Source
) -> tuple[tuple[Resolved, ...], list[Problem]]:
    """The apps with their dependencies filled in, those that come first at the front.

    ``named`` are all apps of the configuration, also those that could not be resolved. An app may
    be called by the name that was written or by the one it goes by. Apps that do not depend on one
    another keep their order.
    """
    known = _known(named)
    problems: list[Problem] = []
    graph: dict[str, dict[str, str]] = {}
    for one in named:
        graph[one.name] = _dependencies(one, known, source, problems)
    problems += _cycle(named, graph, source)
    if problems:
        return tuple(apps), problems
    by_name = {app.name: (app, notes) for app, notes in apps}
    order = TopologicalSorter(graph).static_order()
    found = (by_name[name] for name in order if name in by_name)
    return tuple(_depending(app, notes, graph[app.name], by_name) for app, notes in found), []


def _known(named: Sequence[Named]) -> dict[str, str]:
    written = {str(one.declared.values.get("name") or one.name): one.name for one in named}
    return written | {one.name: one.name for one in named}


def _dependencies(
    one: Named, known: Mapping[str, str], source: Source, problems: list[Problem]
) -> dict[str, str]:
    """The conditions of an app's dependencies by the names they go by."""
    conditions = one.declared.values.get("depends_on")
    if not isinstance(conditions, dict):
        return {}
    places = {key.value: key.where for key, _ in entries(one.declared.nodes["depends_on"])}
    for name in conditions.keys() - known.keys():
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(sorted(known))}"
        problems.append(source.problem(f"no app is called {name!r}", places[name], hint))
    return {known[name]: condition for name, condition in conditions.items() if name in known}


def _cycle(
    named: Sequence[Named], graph: Mapping[str, Mapping[str, str]], source: Source
) -> list[Problem]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = error.args[1][::-1]
        (place,) = (one.declared.place("depends_on") for one in named if one.name == cycle[0])
        message = f"an app cannot wait for itself: {' -> '.join(cycle)}"
        return [source.problem(message, place, "take one of them out of depends_on")]
    return []


def _depending(
    app: App, notes: tuple[Note, ...], conditions: Mapping[str, str], apps: Mapping[str, Resolved]
) -> Resolved:
    depends_on = {}
    for name, condition in conditions.items():
        other = apps[name][0] if name in apps else None
        depends_on[name] = other.instances if other else 1
        if condition == "ready" and other and not (other.wait_ready or other.ready):
            text = (
                f"{name} does not say when it is ready (ready, wait_ready): that it runs is enough"
            )
            notes = (*notes, Note("depends_on", Fidelity.APPROXIMATE, text))
    return replace(app, depends_on=depends_on) if depends_on else app, notes
