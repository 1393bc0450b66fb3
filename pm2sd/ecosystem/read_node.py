"""Configurations that take running JavaScript: Node evaluates them, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.places import Places
from pm2sd.errors import InvalidConfig, Location, Problem

_HELPER = Path(__file__).with_name("evaluate.cjs")
_SYNTAX_ERROR = re.compile(
    r"(?P<file>[^\n]+):(?P<line>\d+)\n(?P<source>[^\n]*)\n(?P<caret>[ \t]*\^)?"
)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a configuration exports.

    ``refused`` are the values that no configuration can hold, each with its path and what it is.
    ``env_read`` names the variables looked up in ``process.env``, ``*`` for all of them at once.
    """

    value: Plain
    refused: tuple[tuple[tuple[str | int, ...], str], ...]
    env_read: tuple[str, ...]


def find_node() -> str | None:
    """Node's path, or None; ``nodejs`` is its name on older Debian."""
    return shutil.which("node") or shutil.which("nodejs")


def evaluate(
    mode: Literal["file", "expression"],
    node: str,
    places: Places,
    path: Path | None,
    where: Location,
    timeout: float,
) -> Evaluated:
    """Evaluates a module by its path, or the text of ``places`` as one expression.

    What it prints goes to standard error. Raises InvalidConfig for whatever goes wrong: an
    exception (at ``where`` if it has no place itself), a syntax error, no result after ``timeout``
    seconds.
    """
    environment = dict(os.environ)
    # It may hold what no second Node can share (--inspect=PORT, --require of a missing file);
    # the configuration finds it in process.env all the same.
    options = environment.pop("NODE_OPTIONS", None)
    with tempfile.TemporaryFile() as result:
        command = [
            *(node, str(_HELPER), mode, str(result.fileno()), str(path or places.name)),
            *([] if options is None else [options]),
        ]
        text = places.text if mode == "expression" else ""
        status = _run(command, text, result.fileno(), environment, places, timeout)
        result.seek(0)
        written = result.read()
    try:
        answer = json.loads(written)
    except ValueError:
        message = f"ended before it exported anything ({_ending(status)})"
        raise _failed(places, message, "does it call process.exit()?") from None
    if "error" in answer:
        _raise(answer["error"], places, path, where)
    refused = tuple((tuple(at), what) for at, what in answer["refused"])
    return Evaluated(answer["value"], refused, tuple(answer["envRead"]))


def _run(
    command: Sequence[str],
    text: str,
    descriptor: int,
    environment: dict[str, str],
    places: Places,
    timeout: float,
) -> int:
    """The exit status; a process group of its own lets the time limit reach its children too."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=2,
        pass_fds=(descriptor,),
        env=environment,
        process_group=0,
    ) as process:
        try:
            process.communicate(text.encode(), timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise _failed(
                places,
                f"took longer than {timeout:g} s to evaluate",
                "an ecosystem file only describes the apps: what it waits for belongs in them",
            ) from None
        except BaseException:
            _kill(process)
            raise
        return process.returncode


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it with its children. After Ctrl-C subprocess waits a moment, and it may have ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ending(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _failed(places: Places, message: str, hint: str) -> InvalidConfig:
    return InvalidConfig([Problem(f"{places.name} {message}", Location(places.name), hint)])


def _raise(error: dict[str, str], places: Places, path: Path | None, where: Location) -> NoReturn:
    """Reports the exception that evaluating ended with, at its place."""
    name, stack = error["name"], error["stack"]
    first = error["message"].split("\n")[0]
    message = f"{name}: {first}" if name not in ("", "Error") else first
    hint = _hint(name, first, places.name)
    own = {places.name} if path is None else {places.name, str(path)}
    place = _SYNTAX_ERROR.match(stack) if name == "SyntaxError" else None
    is_syntax = place is not None
    place = place or _frame(stack, own)
    if place is None:
        source = places.line(where.line) if where.line else None
        raise InvalidConfig([Problem(message, where, hint, source)])
    line = int(place["line"])
    is_ours = place["file"] in own
    column = len(place["caret"] or " ") if is_syntax else int(place["column"])
    source = place["source"] if is_syntax else places.line(line) if is_ours else None
    file = places.name if is_ours else place["file"]
    raise InvalidConfig([Problem(message, Location(file, line, column), hint, source)])


def _frame(stack: str, own: Iterable[str]) -> re.Match[str] | None:
    """The innermost call in code of the user's: no package's, not Node's, not ours."""
    names = "|".join(re.escape(name) for name in own)
    calls = re.finditer(
        rf"^ +at (?:.* \(|async )?(?P<file>{names}|/[^()\n]*):(?P<line>\d+):(?P<column>\d+)\)?$",
        stack,
        re.MULTILINE,
    )
    foreign = (str(_HELPER), "/node_modules/")
    return next((at for at in calls if not any(part in at["file"] for part in foreign)), None)


def _hint(name: str, message: str, file: str) -> str | None:
    """What to do about the exceptions people meet most."""
    if name == "SyntaxError" and re.search(r"import statement outside|token 'export'", message):
        return 'only .mjs files, or .js files under "type": "module", may use import and export'
    if re.match(r"(module|exports|require|__dirname|__filename) is not defined", message):
        if file.endswith((".json", ".json5")) or file.startswith("<"):
            return "a JSON file is one expression; a module must be called ecosystem.config.js"
        return "this is an ES module here: export default { apps: [...] }, or rename it to .cjs"
    if re.match(r"Cannot find module '\.{0,2}/", message):
        return "there is no such file; a relative path starts at the file that asks for it"
    if message.startswith("Cannot find module"):
        return "it must be installed where the file can find it, before the apps are"
    return None
