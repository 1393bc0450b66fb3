"""Which program runs a script: the one that was named, or the one its name or content asks for."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from pm2sd.ecosystem import node_versions
from pm2sd.ecosystem.finder import Finder, absolute, guess_path, unexpanded
from pm2sd.ecosystem.node_programs import SHELLS
from pm2sd.ecosystem.shebang import HEAD_SIZE, Shebang, is_binary, parse_shebang
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity

# PM2's lib/API/interpreter.json; the first that is installed is taken. PM2 prefers "python" to
# "python3", which may still be Python 2. Node alone can run .ts, which it learnt in 22.18.
BY_EXTENSION: Mapping[str, tuple[str, ...]] = {
    ".sh": ("bash",),
    ".py": ("python3", "python"),
    ".rb": ("ruby",),
    ".php": ("php",),
    ".pl": ("perl",),
    ".js": ("node",),
    ".mjs": ("node",),
    ".cjs": ("node",),
    ".coffee": ("coffee",),
    ".ls": ("lsc",),
    ".ts": ("bun", "node"),
    ".tsx": ("bun",),
}

_NODE = ("node", "nodejs")
_OTHER_NAMES = {"python": "python3", "nodejs": "node"}
"""What a program may be called here that was written under its other name."""

# Directories that fnm and yarn put into PATH for the life of one shell or one command.
_PASSING = ("/fnm_multishells/", "/yarn--")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What goes before the script: an absolute path, or ``none`` where it is executed itself.

    ``arguments`` are those of the script's first line. ``is_python`` says whether Python is what
    runs in the end.
    """

    path: str
    arguments: tuple[str, ...] = ()
    is_python: bool = False


def named(subject: Subject, base: str, finder: Finder, written: str) -> Interpreter | None:
    """The interpreter the user named: a version of Node, a path, or a program of the PATH.

    None after a problem. A relative path is looked up from the app's directory, then from the
    file's (``base``): PM2 checks for it in the one and starts it from the other.
    """
    if written.startswith("node@"):
        path = _node_version(subject, written)
    elif "/" in written or written == "~":
        path = _interpreter_file(subject, base, finder, written)
    else:
        path = program(subject, finder, (written,), "interpreter")
    return Interpreter(path, is_python="python" in written) if path else None


def _interpreter_file(subject: Subject, base: str, finder: Finder, written: str) -> str | None:
    machine = subject.machine
    places = dict.fromkeys(absolute(written, start, machine.home) for start in (finder.cwd, base))
    existing = [path for path in places if machine.is_file(path)]
    for path in existing:
        if machine.is_executable(path):
            return path
    if existing:
        subject.problem(
            "interpreter",
            f"the interpreter {existing[0]} may not be executed",
            hint=f"chmod +x {quote(existing[0])}",
        )
        return None
    subject.problem(
        "interpreter",
        f"there is no interpreter {next(iter(places))}",
        hint=unexpanded(written)
        or _elsewhere(finder, posixpath.basename(written))
        or guess_path(machine, next(iter(places))),
    )
    return None


def _elsewhere(finder: Finder, name: str) -> str | None:
    found = finder.program(name)
    return f"PATH has {found}" if found else None


def _node_version(subject: Subject, written: str) -> str | None:
    """The Node of a version manager; PM2 knows nvm only, and installs what is missing."""
    text = written.removeprefix("node@")
    wanted = node_versions.parse_version(text)
    versions = node_versions.installed(subject.machine)
    found = node_versions.newest(versions, wanted) if wanted else None
    if found:
        return found.path
    have = f"installed: {', '.join(map(str, versions))}" if versions else "none is installed"
    if wanted is None:
        message, hint = f"{text!r} is no version of Node", f"write node@20 or node@20.11.1; {have}"
    else:
        message = f"Node {text} is not installed by nvm, fnm or volta"
        hint = f"nvm install {text}; {have}"
    subject.problem("interpreter", message, hint=hint)
    return None


def program(
    subject: Subject, finder: Finder, names: tuple[str, ...], option: str, reason: str = ""
) -> str | None:
    """The first of these programs that PATH has, as an absolute path; None after a problem.

    ``option`` is what asked for it, ``reason`` says why in the message.
    """
    for name in names:
        path = finder.program(name)
        if path is None:
            continue
        if any(part in path for part in _PASSING):
            subject.note(
                option,
                Fidelity.APPROXIMATE,
                f"{path} will be gone after this shell; name a version that stays, as "
                f"interpreter: node@22 or an absolute path",
            )
        return path
    wanted = " or ".join(names)
    subject.problem(
        option,
        f"{wanted}{f', which {reason},' if reason else ''} is not in PATH",
        hint=_how_to_get(subject, finder, names[-1]),
    )
    return None


def _how_to_get(subject: Subject, finder: Finder, name: str) -> str:
    local = finder.file(f"node_modules/.bin/{name}")
    if subject.machine.is_file(local):
        return f"write interpreter: ./node_modules/.bin/{name}"
    versions = node_versions.installed(subject.machine) if name in _NODE else []
    if versions:
        version = ".".join(map(str, versions[0].version))
        return f"write interpreter: node@{version}, which {versions[0].manager} has installed"
    other = _OTHER_NAMES.get(name)
    if other and finder.program(other):
        return f"write interpreter: {other}, which is in PATH"
    return unexpanded(name) or f"install {name}, or write the interpreter's absolute path"


def by_name(subject: Subject, finder: Finder, script: str) -> Interpreter | None:
    """The interpreter for a script that none was named for; None after a problem.

    The extension decides, as in PM2. Without a known one PM2 takes Node for every text file; here
    the script's first line is honoured, and Node is taken for files that have none.
    """
    extension = posixpath.splitext(script)[1]
    names = BY_EXTENSION.get(extension)
    if names is None or subject.machine.is_directory(script):
        return _by_content(subject, finder, script)
    path = program(subject, finder, names, "script", f"runs {extension} files")
    if path is None:
        return None
    if extension == ".ts" and _is_node(path):
        subject.note(
            "interpreter",
            Fidelity.APPROXIMATE,
            "bun is not in PATH, so Node strips the types: it needs to be 22.18 or newer (PM2 "
            "also adds --experimental-strip-types for 22.6)",
        )
    return Interpreter(path, is_python="python" in names[0])


def _by_content(subject: Subject, finder: Finder, script: str) -> Interpreter | None:
    head = subject.machine.head(script, HEAD_SIZE)
    shebang = parse_shebang(head)
    if shebang:
        return _by_shebang(subject, finder, script, shebang)
    # A file that may be executed and not read tells nothing: the kernel has to know.
    if is_binary(head) or (not head and subject.machine.is_executable(script)):
        return Interpreter("none") if _may_execute(subject, script) else None
    if not subject.machine.is_directory(script):
        subject.note(
            "interpreter",
            Fidelity.EXACT,
            "the script has neither a known extension nor a first line with #!, so Node runs it",
        )
    path = program(subject, finder, ("node",), "script", "runs this script")
    return Interpreter(path) if path else None


def _by_shebang(
    subject: Subject, finder: Finder, script: str, shebang: Shebang
) -> Interpreter | None:
    """Node and shells are put before the script, by which it is known what may be below them.

    Else the kernel reads the line itself.
    """
    path = _shebang_program(subject, finder, script, shebang)
    if path is None:
        return None
    is_python = "python" in shebang.name
    directly = subject.machine.is_executable(script) and not subject.get("node_args", tuple)
    if directly and shebang.name not in (*_NODE, *SHELLS):
        return Interpreter("none", is_python=is_python)
    return Interpreter(path, shebang.arguments, is_python)


def _shebang_program(subject: Subject, finder: Finder, script: str, shebang: Shebang) -> str | None:
    """The program of a script's first line; None after a problem."""
    if shebang.program.startswith("/"):
        found = shebang.program if subject.machine.is_executable(shebang.program) else None
    else:
        found = finder.program(shebang.program)
    if found:
        return found
    hint = f"install {shebang.name}, or name the interpreter"
    if shebang.line.endswith("\r"):
        hint = "the file has the line ends of Windows; save it with those of Unix"
    elif " " in shebang.program:
        hint = "env takes arguments only after -S"
    subject.problem(
        "script",
        f"the first line of {script} asks for {shebang.program!r}, which is not there",
        hint=hint,
    )
    return None


def _is_node(path: str) -> bool:
    return posixpath.basename(path) in _NODE


def directly(subject: Subject, finder: Finder, script: str) -> Interpreter | None:
    """``interpreter: none``: the script is executed itself; None after a problem."""
    if not _may_execute(subject, script):
        return None
    head = subject.machine.head(script, HEAD_SIZE)
    shebang = parse_shebang(head)
    if shebang:
        if _shebang_program(subject, finder, script, shebang) is None:
            return None
        return Interpreter("none", is_python="python" in shebang.name)
    if not head or is_binary(head):
        return Interpreter("none")
    # Node starts programs with execvp(3), which gives a text without a first line to sh; systemd
    # uses execve(2), which refuses it.
    path = program(subject, finder, ("sh",), "script", "runs a script without a first line")
    return Interpreter(path) if path else None


def _may_execute(subject: Subject, script: str) -> bool:
    if subject.machine.is_executable(script):
        return True
    if subject.machine.is_directory(script):
        subject.problem("script", f"{script} is a directory", hint="name the file to execute")
    else:
        hint = f"chmod +x {quote(script)}, or name the interpreter that runs it"
        subject.problem("script", f"{script} may not be executed", hint=hint)
    return False
