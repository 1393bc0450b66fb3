"""What an app runs: its script found, its interpreter chosen, the argument vector."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from pm2sd.ecosystem import interpreter
from pm2sd.ecosystem.finder import Finder, guess_path
from pm2sd.ecosystem.interpreter import Interpreter
from pm2sd.ecosystem.node_programs import SHELLS
from pm2sd.ecosystem.serving import ARGUMENTS, SERVE, python
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity


@dataclass(frozen=True, slots=True)
class Program:
    """The fields of an App that say what is run."""

    script: str
    args: tuple[str, ...]
    interpreter: str
    interpreter_args: tuple[str, ...]
    command: tuple[str, ...]
    is_python: bool = False


def find_program(subject: Subject, base: str, finder: Finder) -> Program | None:
    """What to run, or None after a problem; ``base`` is where the configuration stands.

    An app without a script is a problem that reading it has told already, as is an interpreter of
    the wrong type.
    """
    written = subject.get("script", str)
    if written is None or subject.is_refused("interpreter"):
        return None
    if written == SERVE:
        args = subject.get("args", tuple) or ()
        command = (python(), *ARGUMENTS, *args)
        return Program(SERVE, args, python(), ARGUMENTS, command, is_python=True)
    is_file = subject.machine.is_file(finder.file(written))
    if " " in written and not is_file:
        return _command_line(subject, base, finder, written)
    wanted = subject.get("interpreter", str) or ""
    chosen = None
    if wanted not in ("", "none"):
        chosen = interpreter.named(subject, base, finder, wanted)
    script = _find_script(subject, finder, written, any_directory=bool(wanted))
    if script is None:
        return None
    if wanted == "none":
        chosen = interpreter.directly(subject, finder, script)
    elif not wanted:
        chosen = interpreter.by_name(subject, finder, script)
    return _program(subject, script, chosen) if chosen else None


def _program(subject: Subject, script: str, chosen: Interpreter) -> Program:
    args = subject.get("args", tuple) or ()
    written = subject.get("node_args", tuple) or ()
    if chosen.path == "none":
        if written:
            subject.note(
                "node_args",
                Fidelity.NO_EFFECT,
                "there is no interpreter to give them to: the script is executed itself",
            )
        return Program(script, args, "none", (), (script, *args), chosen.is_python)
    before = (*chosen.arguments, *written)
    command = (chosen.path, *before, script, *args)
    return Program(script, args, chosen.path, before, command, chosen.is_python)


def _find_script(
    subject: Subject, finder: Finder, written: str, *, any_directory: bool
) -> str | None:
    """The script's absolute path: from the app's directory, then from PATH; None after a problem.

    Node runs a directory by its package.json or index.js; ``any_directory`` lets other
    interpreters do what they can with one (Python has ``__main__.py``).
    """
    machine = subject.machine
    here = finder.file(written)
    if machine.is_file(here):
        return here
    if found := finder.program(written):
        return found
    if not machine.is_directory(here):
        hint = guess_path(machine, here)
        if "/" not in written:
            hint = hint or f"there is no program {written!r} in PATH either"
        subject.problem("script", f"script not found: {here}", hint=hint)
        return None
    if any_directory or any(
        machine.is_file(posixpath.join(here, name)) for name in ("package.json", "index.js")
    ):
        return here
    subject.problem(
        "script",
        f"{here} is a directory without a package.json or index.js",
        hint="name the file to run",
    )
    return None


def _command_line(subject: Subject, base: str, finder: Finder, written: str) -> Program | None:
    """A script with a space in it, which a shell runs (lib/Common.js, verifyConfs).

    PM2 drops ``args`` then; here they follow the command, each a word of its own.
    """
    wanted = subject.get("interpreter", str) or "none"
    if wanted == "none":
        names = ("bash", "sh")
        shell = interpreter.program(subject, finder, names, "script", "runs command lines")
    elif posixpath.basename(wanted) in SHELLS:
        chosen = interpreter.named(subject, base, finder, wanted)
        shell = chosen.path if chosen else None
    else:
        word, rest = written.split(" ", 1)
        subject.problem(
            "script",
            f"{wanted} cannot run a command line, and there is no file {finder.file(written)}",
            hint=f"write script: {word} and args: {rest.strip()}",
        )
        return None
    if shell is None:
        return None
    if subject.get("node_args", tuple):
        subject.note(
            "node_args",
            Fidelity.NO_EFFECT,
            "the shell runs the script; write them into the command line",
        )
    args = subject.get("args", tuple) or ()
    line = (written,)
    if args:
        subject.note("args", Fidelity.BETTER, "they follow the command line; PM2 drops them")
        line = (f'{written.rstrip()} "$@"', posixpath.basename(shell), *args)
    return Program(written, args, shell, ("-c",), (shell, "-c", *line))
