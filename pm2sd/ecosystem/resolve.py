"""From what the user declared to an App: paths, programs and defaults filled in on this machine."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pm2sd.ecosystem.account import Account, account
from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.checks import Serving, checks
from pm2sd.ecosystem.clock import by_the_clock
from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.dependencies import Named, in_order
from pm2sd.ecosystem.environment import Environment, environment
from pm2sd.ecosystem.finder import Finder, absolute, guess_path
from pm2sd.ecosystem.hardening import hardening
from pm2sd.ecosystem.instances import count, exec_mode
from pm2sd.ecosystem.listening import listen
from pm2sd.ecosystem.log_paths import Logs, logs, tell_of_shared
from pm2sd.ecosystem.machine import Machine
from pm2sd.ecosystem.memory import memory
from pm2sd.ecosystem.node_programs import runs_node
from pm2sd.ecosystem.nodes import Plain, Source, plain
from pm2sd.ecosystem.on_failure import telling
from pm2sd.ecosystem.program import Program, find_program
from pm2sd.ecosystem.raw_directives import check_directives
from pm2sd.ecosystem.subject import Subject
from pm2sd.ecosystem.watching import Watching, watching
from pm2sd.errors import Problem
from pm2sd.notes import Note

# Options that are fields of the App under the same name, with the same meaning and default.
_SAME = (
    "namespace",
    "autostart",
    "instance_var",
    "increment_var",
    "port",
    "backlog",
    "reuse_port",
    "autorestart",
    "stop_exit_codes",
    "max_restarts",
    "min_uptime",
    "restart_delay",
    "exp_backoff_restart_delay",
    "max_memory_restart",
    "cpu_quota",
    "io_weight",
    "tasks_max",
    "nice",
    "kill_timeout",
    "kill_signal",
    "treekill",
    "shutdown_with_message",
    "wait_ready",
    "listen_timeout",
    "unit",
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """One app resolved: the App, or None where there are problems; and what is to be said."""

    app: App | None
    notes: tuple[Note, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class ResolvedAll:
    """The apps of a configuration with the notes of each, and every problem there is."""

    apps: tuple[tuple[App, tuple[Note, ...]], ...]
    problems: tuple[Problem, ...]


def resolve_all(
    declared: Sequence[Declared],
    *,
    machine: Machine,
    base: str,
    source: Source,
    env_name: str | None = None,
) -> ResolvedAll:
    """The apps of one configuration, those that others depend on first. See ``resolve``.

    Two of one name are a problem.
    """
    apps: list[tuple[App, tuple[Note, ...]]] = []
    problems: list[Problem] = []
    first: dict[str, Declared] = {}
    named: list[Named] = []
    for one in declared:
        resolved = resolve(one, machine=machine, base=base, source=source, env_name=env_name)
        problems += resolved.problems
        name = app_name(Subject(one, machine, source), env_name)
        if name in first:
            problems.append(_same_name(source, name, first[name], one))
        elif name:
            first[name] = one
            named.append(Named(name, one))
        if resolved.app:
            apps.append((resolved.app, resolved.notes))
    ordered, wrong = in_order(tell_of_shared(apps), named, source)
    return ResolvedAll(ordered, (*problems, *wrong))


def _same_name(source: Source, name: str, first: Declared, second: Declared) -> Problem:
    """PM2 lets apps share a name and then treats them as instances of one; units cannot."""
    return source.problem(
        f"another app is called {name!r} already: {first.place('name')}",
        second.place("name"),
        "give each a name of its own; copies of one app are instances: 2",
    )


def resolve(
    declared: Declared,
    *,
    machine: Machine,
    base: str,
    source: Source,
    env_name: str | None = None,
) -> Resolved:
    """One app resolved on this machine.

    ``base`` is the absolute directory that a relative ``cwd`` is resolved against, and the app's
    directory without one: the ecosystem file's own. ``env_name`` is the value of ``--env``. What
    reading the app found wrong is not told again: without a script there is no App, and no problem.
    """
    subject = Subject(declared, machine, source)
    whose = account(subject)
    check_directives(subject)
    cwd = _working_directory(subject, base)
    variables = environment(subject, env_name, cwd or base)
    finder = Finder(machine, cwd or base, variables.variables.get("PATH"))
    # Without its directory every relative path would be missing, which is one mistake, not many.
    program = find_program(subject, base, finder) if cwd else None
    files = watching(subject, cwd) if cwd else Watching()
    name = app_name(subject, env_name)
    app = None
    if program:
        output = logs(subject, finder, name)
        app = _app(subject, name, finder, program, variables, output, files, whose)
    return Resolved(
        None if subject.problems else app,
        _distinct((*declared.notes, *subject.notes)),
        tuple(subject.problems),
    )


def _app(
    subject: Subject,
    name: str,
    finder: Finder,
    program: Program,
    variables: Environment,
    output: Logs,
    files: Watching,
    whose: Account,
) -> App:
    values = subject.declared.values
    same: dict[str, Any] = {option: values[option] for option in _SAME if option in values}
    env = variables.variables
    if program.is_python and "PYTHONUNBUFFERED" not in variables.secrets:
        # As PM2 does: what Python writes to a pipe would else stay in its buffer.
        env = {"PYTHONUNBUFFERED": "1"} | env
    mode = exec_mode(subject, program.interpreter)
    sockets = listen(subject, mode, program.command, env)
    asked = Serving(
        listen=sockets,
        instances=count(subject),
        env=env,
        node=runs_node(program.interpreter, program.command),
        logs=output,
    )
    return App(
        name=name,
        source=str(subject.source.path or ""),
        script=program.script,
        args=program.args,
        interpreter=program.interpreter,
        interpreter_args=program.interpreter_args,
        command=program.command,
        cwd=finder.cwd,
        exec_mode=mode,
        listen=sockets,
        instances=asked.instances,
        env=env,
        secrets=variables.secrets,
        hardening=hardening(subject, program.command[0]),
        written=_written(subject.declared),
        **asdict(output),
        **asdict(telling(subject, finder)),
        **asdict(files),
        **asdict(whose),
        **asdict(checks(subject, asked)),
        **{**same, **by_the_clock(subject), **memory(subject)},
    )


def _working_directory(subject: Subject, base: str) -> str | None:
    """The app's directory; None after a problem."""
    written = subject.get("cwd", str)
    if not written:
        return None if subject.is_refused("cwd") else base
    cwd = absolute(written, base, subject.machine.home)
    if subject.machine.is_directory(cwd):
        return cwd
    if subject.machine.is_file(cwd):
        parent = posixpath.dirname(cwd)
        subject.problem("cwd", f"{cwd} is a file, not a directory", f"did you mean {parent}?")
    else:
        subject.problem("cwd", f"no such directory: {cwd}", guess_path(subject.machine, cwd))
    return None


def app_name(subject: Subject, env_name: str | None) -> str:
    """The app's name: as written, or its script's without directory and extension.

    PM2: lib/Common.js, renderApplicationName; lib/API.js, _startJson for what is put around it.
    Empty where there is neither.
    """
    name = subject.get("name", str)
    if not name:
        name = posixpath.basename((subject.get("script", str) or "").rstrip("/"))
        stem, dot, _ = name.rpartition(".")
        name = stem if dot and stem else name
    if env_name and subject.get("append_env_to_name", bool):
        name = f"{name}-{env_name}"
    prefix = subject.get("name_prefix", str)
    return f"{prefix}:{name}" if prefix and prefix not in name else name


def _written(declared: Declared) -> dict[str, Plain]:
    """The options as the user gave them, without the variables, which the App has elsewhere."""
    return {
        option: plain(node)
        for option, node in declared.nodes.items()
        if option not in ("env", "secrets") and not option.startswith("env_")
    }


def _distinct(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(notes))
