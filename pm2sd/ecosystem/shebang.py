"""The first line of a script: the program that the kernel would run it with."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

HEAD_SIZE = 512

# What env -S gives a meaning of its own (coreutils, env invocation): left for env to read.
_QUOTING = frozenset("'\"\\$#")


@dataclass(frozen=True, slots=True)
class Shebang:
    """``#!program argument``, read as execve(2) does.

    Behind ``/usr/bin/env`` it is the program that env looks up in PATH: a bare name then.
    """

    line: str
    program: str
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The program's name without its directory."""
        return posixpath.basename(self.program)


def parse_shebang(head: bytes) -> Shebang | None:
    """The shebang in the first bytes of a file, None where there is none."""
    if not head.startswith(b"#!"):
        return None
    line = head.partition(b"\n")[0].decode("utf-8", "surrogateescape")
    # Only blanks: the carriage return of a file from Windows is a part of the name to the kernel.
    words = line[2:].strip(" \t").replace("\t", " ").split(" ", 1)
    program, rest = words[0], words[1].strip(" ") if len(words) > 1 else ""
    if not program:
        return None
    if posixpath.basename(program) == "env" and rest:
        return _behind_env(line, program, rest)
    return Shebang(line, program, (rest,) if rest else ())


def _behind_env(line: str, env: str, rest: str) -> Shebang:
    """What ``env`` would run. Without -S the whole rest is one word, a program's name."""
    if rest.startswith("-S") and not _QUOTING.intersection(rest):
        program, *arguments = rest[2:].split() or [""]
        if program and not program.startswith("-") and "=" not in program:
            return Shebang(line, program, tuple(arguments))
    if rest.startswith("-") or "=" in rest:
        return Shebang(line, env, (rest,))
    return Shebang(line, rest)


def is_binary(head: bytes) -> bool:
    """Whether these first bytes are no text; PM2's rule too (lib/tools/isbinaryfile.js)."""
    return b"\0" in head or head.startswith(b"\x7fELF")
