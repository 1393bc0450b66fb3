"""``on_failure``: the command that is run when systemd gives an app up."""

from __future__ import annotations

from pm2sd.ecosystem.finder import Finder, guess_path
from pm2sd.ecosystem.subject import Subject

_SHELL = ("/bin/sh", "-c")


def on_failure(subject: Subject, finder: Finder) -> tuple[str, ...]:
    """Its argument vector: a text is for the shell, a list is a program and its arguments.

    Empty where there is none, and after a problem.
    """
    command: tuple[str, ...] = subject.get("on_failure", tuple) or ()
    if not command:
        return ()
    if isinstance(subject.declared.nodes["on_failure"].value, str):
        return (*_SHELL, *command)
    path = finder.file(command[0])
    if "/" not in command[0]:
        path = finder.program(command[0]) or path
    if not subject.machine.is_executable(path):
        hint = guess_path(subject.machine, path) or "write a text for a command of the shell"
        subject.problem("on_failure", f"there is no program {command[0]!r}", hint)
        return ()
    return (path, *command[1:])
