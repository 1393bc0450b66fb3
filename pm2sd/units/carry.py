"""Ways round what unit files cannot say: other words for a service, with the same effect.

A directive that cannot hold a value is left to a program that is executed first and then replaces
itself with the app: same process, nothing stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pm2sd.errors import CannotCarry
from pm2sd.units.fitting import (
    fits_output,
    fits_path,
    fits_program,
    is_utf8,
    is_variable_name,
    literals,
    parts,
)
from pm2sd.units.model import JOURNAL, Service, Text

ENV: Final = "/usr/bin/env"

# env takes a program's path with "=" in it for an assignment. nice with no change only executes its
# arguments; a shell would, too, but shells drop variables whose names are not theirs.
JUST_EXEC: Final = ("/usr/bin/nice", "-n", "0", "--")

_APPEND: Final = {
    "standard_output": 'exec "$@" >>"$0"',
    "standard_error": 'exec "$@" 2>>"$0"',
}


def carriable(service: Service) -> Service:
    """The service, said so that the filters of ``escape`` can write it; unchanged where they can.

    - a program path with quotes, backslashes or control characters: through env
    - variables whose names or values ``Environment=`` would drop: assigned by env
    - a working directory with a line break: ``env -C``
    - a log file whose name ends in a blank or holds a line break: opened by sh

    Raises CannotCarry for a variable that no environment can hold.
    """
    odd = {name: value for name, value in service.environment.items() if not _fits(name, value)}
    directory = service.working_directory
    moved = bool(directory) and not fits_path(directory)
    command = service.exec_start
    if odd or moved or not fits_program(command[0]):
        change = ("-C", directory) if moved else ()
        command = (ENV, *change, "--", *_assigned(odd), *_executable(command))
    outputs: dict[str, Any] = {}
    for stream, script in _APPEND.items():
        output = getattr(service, stream)
        if output.kind == "append" and not fits_output(output):
            command = ("/bin/sh", "-c", script, output.path, *command)
            outputs[stream] = JOURNAL  # for what sh has to say if it cannot open the file
    return replace(
        service,
        exec_start=command,
        exec_start_pre=tuple(map(_started, service.exec_start_pre)),
        environment={name: service.environment[name] for name in service.environment.keys() - odd},
        working_directory="" if moved else directory,
        **outputs,
    )


def _fits(name: str, value: Text) -> bool:
    return is_variable_name(name) and is_utf8(value)


def _started(command: tuple[Text, ...]) -> tuple[Text, ...]:
    return command if fits_program(command[0]) else (ENV, "--", *_executable(command))


def _executable(command: tuple[Text, ...]) -> tuple[Text, ...]:
    """The command as words that env executes and does not take for assignments."""
    assignment = any("=" in literal for literal in literals(command[0]))
    return (*JUST_EXEC, *command) if assignment else command


def _assigned(variables: Mapping[str, Text]) -> tuple[Text, ...]:
    for name in variables:
        if not name or "=" in name:
            raise CannotCarry(
                f"the variable {name!r}", "has a name that no environment can hold", "rename it"
            )
    return tuple((f"{name}=", *parts(variables[name])) for name in sorted(variables))
