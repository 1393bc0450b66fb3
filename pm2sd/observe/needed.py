"""What an app needs to be started and is not there any more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from posixpath import isabs
from shlex import quote

from pm2sd.ecosystem.shebang import HEAD_SIZE, parse_shebang
from pm2sd.observe.known import Known
from pm2sd.plan.stored import StoredApp
from pm2sd.translate.checks import PROBE_DIRECTORY
from pm2sd.translate.node import PRELOAD_FILE, has_preload
from pm2sd.units import names


def missing(stored: StoredApp, directory: Path) -> Iterable[tuple[str, str]]:
    """What is wrong, each with the command that mends it, if one does.

    ``directory`` is that of the unit files.
    """
    app = stored.app
    program = app.command[0]
    what = "program" if app.interpreter == "none" else "interpreter"
    if not _is_file(program):
        yield _gone(what, program)
    elif not os.access(program, os.X_OK):
        yield f"the {what} {program} may not be executed", f"chmod +x {quote(program)}"
    elif (runs := _asked_for(program)) and not os.path.exists(runs):  # noqa: PTH110
        yield f"the first line of {program} asks for {runs}, which is gone", ""
    if app.script in app.command[1:] and isabs(app.script) and not os.path.exists(app.script):  # noqa: PTH110
        yield _gone("script", app.script)
    if not os.path.isdir(app.cwd):  # noqa: PTH112
        yield _gone("directory", app.cwd)
    template, secrets = names.service_template(app.name), names.secrets_file(app.name)
    if template not in stored.files:
        yield _gone("unit file", str(directory / template))
    if secrets not in stored.files and secrets in stored.files.get(template, ""):
        yield _gone("file of secrets", str(directory / secrets))
    if not (directory / PROBE_DIRECTORY).is_dir() and any(
        f"/{PROBE_DIRECTORY}" in text for text in stored.files.values()
    ):
        yield _gone("directory of checks", str(directory / PROBE_DIRECTORY))
    if has_preload(app) and not _is_file(str(directory / PRELOAD_FILE)):
        yield _gone("preload", str(directory / PRELOAD_FILE))


def advice(unit: str) -> str | None:
    """A hint for an instance that did not start; None where all that it needs is there.

    systemd-cat, which cannot execute what is gone, does not say what that is.
    """
    parsed = names.parse_instance(unit)
    known = Known.read()
    stored = known.stored.apps.get(parsed[0]) if parsed else None
    if stored is None:
        return None
    return "; ".join(problem for problem, _ in missing(stored, known.directory.path)) or None


def _asked_for(program: str) -> str:
    """The path that a script's first line names, as those in a virtual environment do."""
    try:
        with open(program, "rb") as file:  # noqa: PTH123
            shebang = parse_shebang(file.read(HEAD_SIZE))
    except OSError:
        return ""
    return shebang.program if shebang and isabs(shebang.program) else ""


def _gone(what: str, path: str) -> tuple[str, str]:
    return f"the {what} {path} is gone", ""


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113
