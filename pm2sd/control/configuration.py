"""From what the user wrote to wanted apps: read, declare, resolve; all mistakes at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pm2sd.control.desired import Wanted
from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.document import deployed, document
from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.read import find_default, read
from pm2sd.ecosystem.resolve import resolve_all
from pm2sd.ecosystem.serving import static_app
from pm2sd.errors import ExitStatus, InvalidConfig, Location, NoSuchApp, Pm2sdError, Problem
from pm2sd.notes import Fidelity, Note
from pm2sd.plan.plan import Plan
from pm2sd.plan.stored import Stored, StoredApp
from pm2sd.systemd.machine import ThisMachine

COMMAND_LINE: Final = "command line"


@dataclass(frozen=True, slots=True)
class Configuration:
    """An ecosystem file, understood.

    ``names`` are all its apps; ``wanted`` those that were asked for. ``source`` is the file's
    absolute path, by which an app is known to have come from it; ``notes`` concern the file.
    """

    source: str
    wanted: tuple[Wanted, ...]
    names: frozenset[str]
    notes: tuple[Note, ...] = ()

    def orphans(self, stored: Stored) -> list[str]:
        """The stored apps that came from this file and are no longer in it."""
        return sorted(
            name
            for name, old in stored.apps.items()
            if self.source and old.app.source == self.source and name not in self.names
        )

    def known(self, apps: Mapping[str, StoredApp]) -> list[str]:
        """Those of some stored apps that the wanted ones are, sorted.

        Also under the names that ``append_env_to_name`` gave them, as ``stop`` has no ``--env``.
        """
        names = {one.app.name for one in self.wanted}
        prefixes = tuple(f"{name}-" for name in names)
        return sorted(
            name
            for name, old in apps.items()
            if name in names
            or (
                name.startswith(prefixes)
                and old.app.source == self.source
                and old.app.written.get("append_env_to_name")
            )
        )

    def taken_over(self, stored: Stored) -> dict[str, str]:
        """The wanted apps that came from another file, which is still there: name -> that file."""
        sources = {
            one.app.name: stored.apps[one.app.name].app.source
            for one in self.wanted
            if one.app.name in stored.apps
        }
        return {
            name: source
            for name, source in sources.items()
            if source not in ("", self.source) and Path(source).is_file()
        }


def load(
    file: str | None,
    *,
    env: str | None = None,
    only: Sequence[str] = (),
    systemd: int | None = None,
) -> Configuration:
    """Read an ecosystem file (None: the one in this directory, ``-``: standard input).

    ``systemd`` is the version of another machine, where the apps are for that one. Raises
    InvalidConfig with every mistake in it, NoSuchApp for a name in ``only`` it does not have.
    """
    name = file or _default()
    source = read(name, stdin=sys.stdin)
    found = document(source)
    declared: list[Declared] = []
    problems = [*source.problems, *found.problems]
    nodes = list(found.apps)
    for folder in found.static:
        node, mistakes = static_app(folder, source)
        nodes.append(node)
        problems += mistakes
    for node in nodes:
        one, mistakes = declare(deployed(node, found.deploy, env), source)
        declared.append(one)
        problems += mistakes
    base = str(source.path.parent) if source.path else str(Path.cwd())
    machine = ThisMachine(target=systemd)
    resolved = resolve_all(declared, machine=machine, base=base, source=source, env_name=env)
    problems += resolved.problems
    wanted = tuple(Wanted(app, notes) for app, notes in resolved.apps)
    if problems:
        raise InvalidConfig(_in_order(problems, source.name))
    configuration = Configuration(
        str(source.path or ""), wanted, frozenset(one.app.name for one in wanted), found.notes
    )
    return _restricted(configuration, only) if only else configuration


def from_flags(
    script: str, options: Mapping[str, tuple[str, Any]], arguments: Sequence[str]
) -> Wanted:
    """The app that a script and command-line flags make: option -> (flag, value).

    Raises InvalidConfig with every mistake in them.
    """
    entries = {name: _node(value, flag) for name, (flag, value) in options.items()}
    entries["script"] = _node(script, "")
    if arguments:
        entries["args"] = _node(arguments, "--")
    return _from_entries(entries, str(Path.cwd()))


def changed(
    app: App,
    options: Mapping[str, tuple[str, Any]],
    arguments: Sequence[str] | None,
    *,
    update_env: bool,
) -> Wanted:
    """An app that was started without a file, with some options changed: option -> (flag, value).

    The value ``null`` takes an option back, as with PM2. Without ``update_env`` the variables that
    the app has from the shell stay what they are. Raises InvalidConfig.
    """
    written = {name: value for name, value in app.written.items() if name not in options}
    if "cwd" in app.written:
        written["cwd"] = app.cwd  # it was relative to wherever the app was started
    if "/" in str(written.get("interpreter", "")):
        written["interpreter"] = app.interpreter
    entries = {name: _node(value, "") for name, value in written.items()}
    entries["env"] = _node(_own_variables(app), "")
    for name, (flag, value) in options.items():
        if value != "null":
            entries[name] = _node(value, flag)
    if "cwd" in options:
        entries["cwd"] = _node(str(Path.cwd() / options["cwd"][1]), options["cwd"][0])
        if app.script.startswith("/"):
            entries["script"] = _node(app.script, "")
    if arguments is not None:
        entries["args"] = _node(arguments, "--")
    wanted = _from_entries(entries, app.cwd)
    if "instances" not in options and wanted.app.instances != app.instances:  # it was scaled
        entries["instances"] = _node(app.instances, "")
        entries["exec_mode"] = _node(wanted.app.exec_mode, "")
        wanted = _from_entries(entries, app.cwd)
    old, new = dict(app.env), dict(wanted.app.env)
    env = old | new if update_env else new | old
    return Wanted(replace(wanted.app, env=env, secrets=app.secrets), wanted.notes, update_env)


def _own_variables(app: App) -> dict[str, str]:
    """The variables that are not taken from the shell, which the app is resolved by: PORT ..."""
    inherited = app.written.get("inherit_env")
    names = inherited if isinstance(inherited, list | tuple) else [inherited]
    return {name: text for name, text in app.env.items() if name not in ("PATH", *names)}


def _node(value: Any, flag: str) -> Node:
    where = Location(COMMAND_LINE, key=flag)
    if isinstance(value, Mapping):
        return Node({key: _node(item, flag) for key, item in value.items()}, where)
    if isinstance(value, list | tuple):
        return Node(tuple(_node(item, flag) for item in value), where)
    return Node(value, where)


def _from_entries(entries: Mapping[str, Node], base: str) -> Wanted:
    source = Source(COMMAND_LINE, None, "", Node(entries, Location(COMMAND_LINE)))
    declared, problems = declare(source.root, source)
    resolved = resolve_all(
        [declared],
        machine=ThisMachine(),
        base=base,
        source=source,
        env_name=None,
    )
    if problems or resolved.problems:
        raise InvalidConfig([*problems, *resolved.problems])
    ((app, notes),) = resolved.apps
    return Wanted(app, notes)


def _default() -> str:
    found = find_default(str(Path.cwd()))
    if found is None:
        raise Pm2sdError(
            "there is no ecosystem file in this directory",
            hint="name one, or write one with pm2sd init",
            code=ExitStatus.INVALID_CONFIG,
        )
    return found


def _restricted(configuration: Configuration, only: Sequence[str]) -> Configuration:
    for name in only:
        if name not in configuration.names:
            near = get_close_matches(name, configuration.names, n=1)
            raise NoSuchApp(
                name,
                hint=f"did you mean {near[0]!r}?"
                if near
                else f"the file has {', '.join(sorted(configuration.names))}",
            )
    wanted = tuple(one for one in configuration.wanted if one.app.name in only)
    return Configuration(configuration.source, wanted, configuration.names, configuration.notes)


def refuse_approximations(todo: Plan, configuration: Configuration) -> None:
    """Raises InvalidConfig if anything would be carried only approximately."""
    notes = [("the file", note) for note in configuration.notes]
    notes += [(f"app {one.name!r}", note) for one in todo.changes for note in one.notes]
    problems = [
        Problem(
            f"{what}: {note.option} is {note.fidelity}: {note.text}",
            hint="--strict asks for exact translations only",
        )
        for what, note in notes
        if note.fidelity is Fidelity.APPROXIMATE
    ]
    if problems:
        raise InvalidConfig(problems)


def _in_order(problems: Iterable[Problem], name: str) -> list[Problem]:
    """The problems by their places in the file called ``name``; those of other files come last.

    What an alias shares among apps is one mistake, however many apps have it.
    """

    def place(problem: Problem) -> tuple[bool, int, int]:
        where = problem.where or Location(name)
        return where.file != name, where.line or 0, where.column or 0

    return sorted(dict.fromkeys(problems), key=place)
