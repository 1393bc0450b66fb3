"""``env_file``: variables from files in the syntax of dotenv, read when the app is applied.

The file itself is not handed to systemd: EnvironmentFile= has other quotes (``#`` within a line,
``export``, backslashes, backquotes), drops what it does not understand, and stands above every
Environment=, so that a file would win over ``env``. What was read goes where secrets go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote
from typing import Final

from pm2sd.ecosystem.dotenv import Skipped, Variable, parse
from pm2sd.ecosystem.finder import absolute, guess_path
from pm2sd.ecosystem.options.types import unfit
from pm2sd.ecosystem.places import line_of
from pm2sd.ecosystem.subject import Subject
from pm2sd.errors import Location, Problem

# What an environment file of systemd's may call a variable (env_name_is_valid in env-util.c).
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN: Final = 40


def env_files(subject: Subject, cwd: str) -> dict[str, str]:
    """The variables of all the files, later files over earlier ones; every mistake is a problem.

    Paths are relative to ``cwd``; one that begins with ``-`` may be missing, as in systemd.
    """
    variables: dict[str, str] = {}
    for name in subject.get("env_file", tuple) or ():
        path = absolute(name.removeprefix("-"), cwd, subject.machine.home)
        data = subject.machine.read(path)
        if data is not None:
            variables |= _variables(subject, path, data)
        elif subject.machine.is_file(path):
            subject.problem("env_file", f"cannot read {path}", f"chmod u+r {quote(path)}")
        elif not name.startswith("-"):
            guess = guess_path(subject.machine, path)
            hint = guess or f"write -{name} if it may be missing"
            subject.problem("env_file", f"no such file: {path}", hint)
    return variables


def _variables(subject: Subject, path: str, data: bytes) -> dict[str, str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Location(path, data.count(b"\n", 0, error.start) + 1)
        subject.problem("env_file", "the file is not UTF-8", "save it as UTF-8", place)
        return {}
    variables = {}
    for item in parse(text):
        mistakes = list(_mistakes(item))
        line = line_of(text, item.line) if isinstance(item, Skipped) else None
        place = Location(path, item.line, item.column)
        subject.problems += [Problem(message, place, hint, line) for message, hint in mistakes]
        if isinstance(item, Variable) and not mistakes:
            variables[item.name] = item.value
    return variables


def _mistakes(item: Variable | Skipped) -> Iterator[tuple[str, str]]:
    """What is wrong with an entry, with a hint; never a value, which may be a secret."""
    if isinstance(item, Skipped):
        yield "this line assigns nothing", "write NAME=value, or # before a comment"
    elif not _NAME.fullmatch(item.name):
        shown = item.name[:_SHOWN]
        yield f"no variable can be called {shown!r} here", "write it in env, or rename it"
    elif reason := unfit(f"{item.name}={item.value}"):
        yield f"the variable {item.name} {reason}", "put it into a file of its own"
