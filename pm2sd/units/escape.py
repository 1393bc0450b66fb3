"""Text -> the text of a unit file, for each place it can stand in.

Each function returns ``Escaped`` text that systemd reads back as exactly what went in, byte for
byte, or raises CannotCarry. The rules were measured on systemd 252 and 257; its parsers are
``config_parse_exec`` and its neighbours (load-fragment.c) and ``parse_env_file_internal``
(env-file.c).

Bytes that are not UTF-8 stand in a ``str`` as Python's surrogate escapes (``os.fsdecode``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pm2sd.errors import CannotCarry
from pm2sd.units.fitting import (
    NOT_UTF8,
    fits_output,
    fits_path,
    fits_program,
    is_bytes,
    is_utf8,
    is_variable_name,
    literals,
    parts,
    shown,
)
from pm2sd.units.model import Output, Text
from pm2sd.units.names import UNIT_NAME

MAX_STRING: Final = 128 * 1024
"""The kernel's limit for one argument or variable, with its final NUL (MAX_ARG_STRLEN)."""

_IN_QUOTES: Final = re.compile(f'["\\\\%\x01-\x1f\x7f{NOT_UTF8}]')
_SPELLINGS: Final = {'"': '\\"', "\\": "\\\\", "%": "%%", "\n": "\\n", "\t": "\\t"}

_BARE: Final = re.compile(r"[A-Za-z0-9_./@:=,+-]*")
_WORD: Final = re.compile(r"[A-Za-z0-9_+-]+")
_DIRECTIVE: Final = re.compile(r"[A-Z][A-Za-z0-9-]*=[^\n\r]*")
_UNIT: Final = re.compile(UNIT_NAME)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_GLOB: Final = re.compile(r"[\\*?\[]")


class Escaped(str):
    """Text that may go into a unit file as it is."""

    __slots__ = ()


# Filters: one per kind of place ---------------------------------------------------------------


def exec_line(argv: Iterable[Text]) -> Escaped:
    """``ExecStart=:``, everything after the colon; the colon switches off what ``$`` means.

    Raises CannotCarry for a program path that ``fits_program`` refuses: see ``carriable``.
    """
    program, *arguments = argv
    if not fits_program(program):
        raise CannotCarry(f"the program {shown(program)}", "cannot be named in a unit file")
    words = [_word(program, f"the program {shown(program)}")]
    for number, argument in enumerate(arguments, 1):
        words.append(_word(argument, f"argument {number} ({shown(argument)})"))
    return Escaped(" ".join(words))


def _word(text: Text, what: str) -> str:
    _check(text, what)
    _check_size(text, what)
    bare = any(literals(text)) and all(_BARE.fullmatch(literal) for literal in literals(text))
    return _spell(text, str) if bare else f'"{_quoted(text)}"'


def assignments(environment: Mapping[str, Text]) -> list[Escaped]:
    """The values of ``Environment=``, one assignment each, in the order of their names.

    Raises CannotCarry for names and values that ``Environment=`` would drop: see ``carriable``.
    """
    return [_assignment(name, environment[name]) for name in sorted(environment)]


def _assignment(name: str, value: Text) -> Escaped:
    what = _check_variable(name, value)
    if not is_utf8(value):
        raise CannotCarry(what, "is not UTF-8", "write it in UTF-8 without noncharacters")
    return Escaped(f'"{name}={_quoted(value)}"')


def environment_lines(variables: Mapping[str, str]) -> list[Escaped]:
    r"""The lines of an environment file, which has its own rules: ``\`` protects ``"\$```, nothing
    else is special, newlines stand as they are.
    """
    return [_environment_line(name, variables[name]) for name in sorted(variables)]


def _environment_line(name: str, value: str) -> Escaped:
    what = _check_variable(name, value)
    if not is_utf8(value):
        raise CannotCarry(what, "is not UTF-8", "encode it (base64) and decode it in the app")
    spelled = re.sub(r'(["\\$`])', r"\\\1", value)
    return Escaped(f'{name}="{spelled}"')


def directory(path: str) -> Escaped:
    """``WorkingDirectory=``: unquoted; the slash protects blanks and backslashes at the end."""
    return Escaped(f"{_path(path, f'the directory {shown(path)}')}/")


def output(where: Output) -> Escaped:
    """``StandardOutput=`` and ``StandardError=``."""
    if where.kind != "append":
        return Escaped(where.kind)
    what = f"the log file {shown(where.path)}"
    if not fits_output(where):
        raise CannotCarry(what, "has a name that cannot be written in a unit file")
    return Escaped(f"append:{_path(where.path, what)}")


def environment_file(path: str) -> Escaped:
    r"""``EnvironmentFile=``: unquoted, and a glob pattern (``\x40`` in a unit's name is not)."""
    spelled = _path(path, f"the environment file {shown(path)}")
    return Escaped(_GLOB.sub(r"\\\g<0>", spelled))


def runtime_directory(path: Text) -> Escaped:
    r"""``RuntimeDirectory=``: a list of words in which ``:`` separates, ``\xHH`` stands for itself
    and quotes are read twice; so all but plain characters is written in hexadecimal.
    """
    what = f"the runtime directory {shown(path)}"
    _check(path, what)
    return Escaped(
        _spell(
            path, lambda literal: re.sub(r"[^A-Za-z0-9_./@%-]", _hex, literal).replace("%", "%%")
        )
    )


def plain(text: Text) -> Escaped:
    """An unquoted value that must arrive exactly (``SyslogIdentifier=``)."""
    what = f"the text {shown(text)}"
    whole = "".join(literals(text))
    if whole.strip(" ") != whole or _CONTROL.search(whole) or whole.endswith("\\"):
        raise CannotCarry(what, "cannot be written in a unit file")
    _check(text, what)
    if not is_utf8(text):
        raise CannotCarry(what, "is not UTF-8")
    return Escaped(_spell(text, _percent))


def prose(text: Text) -> Escaped:
    r"""``Description=``, which only people read: what does not fit is shown as ``\xHH``."""
    taboo = re.compile(f"[\\x00-\\x1f\\x7f{NOT_UTF8}]|\\\\$")
    return Escaped(_spell(text, lambda literal: _percent(taboo.sub(_hex, literal))))


def unit(name: str) -> Escaped:
    """The name of a unit, which the names of ``pm2sd.units.names`` are."""
    if not _UNIT.fullmatch(name):
        raise ValueError(f"no unit name: {name!r}")
    return Escaped(name)


def unit_text(name: Text) -> Escaped:
    """The name of a unit with the instance's number in it."""
    unit("".join(literals(name)))
    return Escaped(_spell(name, str))


def unit_word(name: Text) -> Escaped:
    r"""A unit's name in ``Sockets=``, the one list of units that takes ``\x`` for an ``x``."""
    return Escaped(unit_text(name).replace("\\", r"\\"))


def word(text: str) -> Escaped:
    """One of a directive's fixed words: ``always``, ``SIGINT``."""
    if not _WORD.fullmatch(text):
        raise CannotCarry(f"the value {shown(text)}", "is no single word")
    return Escaped(text)


def span(milliseconds: int) -> Escaped:
    """A time span."""
    return Escaped(f"{_natural(milliseconds)}ms")


def timeout(milliseconds: int) -> Escaped:
    """A time span of a directive that takes 0 for "for ever" (TimeoutStopSec=): at once is 1 ms."""
    return span(max(1, milliseconds))


def count(number: int) -> Escaped:
    """A number; of bytes, of starts."""
    return Escaped(_natural(number))


def percent(number: float) -> Escaped:
    """Percents, with systemd's two decimals."""
    return Escaped(f"{number:.2f}".rstrip("0").rstrip(".") + "%")


def integer(number: int) -> Escaped:
    """A number that may be negative."""
    return Escaped(str(int(number)))


def path_word(path: str) -> Escaped:
    """One path of a list (``ReadWritePaths=``), in which quotes count and backslashes stay."""
    what = f"the path {shown(path)}"
    if '"' in path or "\\" in path:
        raise CannotCarry(what, "has a name that cannot be written in a unit file")
    return Escaped(f'"{_path(path, what)}"')


def directive(line: str) -> Escaped:
    """A whole line ``Name=value`` that the user wrote, in systemd's syntax."""
    if not _DIRECTIVE.fullmatch(line) or line.endswith("\\"):
        raise CannotCarry(f"the directive {shown(line)}", "is no line of a unit file")
    _check(line, f"the directive {shown(line)}")
    return Escaped(line)


def codes(numbers: Iterable[int]) -> Escaped:
    """A list of exit statuses."""
    return Escaped(" ".join(map(count, numbers)))


# Spelling -------------------------------------------------------------------------------------


def _spell(text: Text, literal: Callable[[str], str]) -> str:
    return "".join(literal(part) if isinstance(part, str) else part.value for part in parts(text))


def _quoted(text: Text) -> str:
    return _spell(text, lambda literal: _IN_QUOTES.sub(_spelling, literal))


def _spelling(match: re.Match[str]) -> str:
    return _SPELLINGS.get(match[0]) or _hex(match)


def _hex(match: re.Match[str]) -> str:
    octets = match[0].encode(errors="surrogateescape" if is_bytes(match[0]) else "surrogatepass")
    return "".join(f"\\x{octet:02x}" for octet in octets)


def _percent(literal: str) -> str:
    return literal.replace("%", "%%")


def _path(path: Text, what: str) -> str:
    _check(path, what)
    if not fits_path(path):
        raise CannotCarry(what, "has a name that cannot be written in a unit file")
    if not "".join(literals(path)).startswith("/"):
        raise ValueError(f"not absolute: {path!r}")
    return _spell(path, _percent)


def _natural(number: int) -> str:
    if number < 0:
        raise ValueError(f"negative: {number}")
    return str(number)


# What nothing can carry -----------------------------------------------------------------------


def _check(text: Text, what: str) -> None:
    for literal in literals(text):
        if "\0" in literal:
            raise CannotCarry(what, "holds a NUL byte, which no process can be given")
        if not is_bytes(literal):
            raise CannotCarry(what, "is not Unicode: it holds half of a surrogate pair")


def _check_size(text: Text, what: str, extra: int = 0) -> None:
    size = sum(len(part.encode(errors="surrogateescape")) for part in literals(text)) + extra
    if size >= MAX_STRING:
        raise CannotCarry(
            what, f"has {size} bytes; Linux allows {MAX_STRING - 1}", "put it into a file"
        )


def _check_variable(name: str, value: Text) -> str:
    """Check a variable whose value is no argument; what to call it (never its value: secrets)."""
    what = f"the variable {name!r}"
    if not is_variable_name(name):
        raise CannotCarry(
            what,
            "has a name that systemd would drop",
            "use letters, digits and _, not beginning with a digit",
        )
    _check(value, what)
    _check_size(value, what, len(name) + 1)
    return what
