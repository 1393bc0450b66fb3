"""Selectors: what the user names on the command line, as PM2 understands it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pm2sd.errors import ExitStatus, NoSuchApp, Pm2sdError
from pm2sd.plan.stored import StoredApp
from pm2sd.units import names


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """One instance of an app: the app's name, its index, its id and its unit."""

    app: str
    number: int
    id: int
    unit: str

    def __str__(self) -> str:
        return f"{self.app}@{self.number}"


def instances(apps: Iterable[StoredApp]) -> list[Instance]:
    """All instances of some apps, by name and index."""
    return sorted(
        Instance(stored.name, number, stored.ids[number], unit)
        for stored in apps
        for number, unit in enumerate(stored.instances)
    )


def select(selectors: Sequence[str], apps: Mapping[str, StoredApp]) -> list[Instance]:
    """The instances that the selectors name, each once, by name and index.

    A selector is ``all``, a name, ``name@N``, an instance's id, a namespace, ``/regex/`` on the
    names, or the absolute path of a script or of the ecosystem file the apps came from; tried in
    the order of PM2's (lib/API.js, _operate). Raises NoSuchApp for one that names nothing.
    """
    found: set[Instance] = set()
    for selector in selectors:
        matching = _matching(selector, apps)
        if not matching:
            raise NoSuchApp(selector, hint=_hint(selector, apps))
        found.update(matching)
    return sorted(found)


def _matching(selector: str, apps: Mapping[str, StoredApp]) -> list[Instance]:
    everything = instances(apps.values())
    if not selector:  # a shell's unset variable; the source of what was started without a file
        return []
    if selector == "all":
        return everything
    if selector in apps:
        return instances([apps[selector]])
    if len(selector) > 1 and selector.startswith("/") and selector.endswith("/"):
        pattern = _compile(selector[1:-1])
        return [one for one in everything if pattern.search(one.app)]
    by_namespace = [stored for stored in apps.values() if stored.namespace == selector]
    if by_namespace:
        return instances(by_namespace)
    if selector.isdecimal():
        return [one for one in everything if one.id == int(selector)]
    by_unit = names.parse_instance(selector if "." in selector else f"{selector}.service")
    return [
        one
        for one in everything
        if str(one) == selector
        or (by_unit is not None and (one.app, one.number) == by_unit)
        or apps[one.app].app.script == selector
        or apps[one.app].app.source == selector
    ]


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise Pm2sdError(
            f"/{pattern}/ is not a regular expression: {error}", code=ExitStatus.USAGE
        ) from None


def _hint(selector: str, apps: Mapping[str, StoredApp]) -> str:
    from difflib import get_close_matches

    known = [*apps, *(stored.namespace for stored in apps.values())]
    near = get_close_matches(selector, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "pm2sd list shows what there is" if apps else "nothing is managed by pm2sd yet"
