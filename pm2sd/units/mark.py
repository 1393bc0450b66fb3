"""What makes a file ours: the line it begins with and the ``[X-Pm2sd]`` section it ends with.

systemd ignores sections whose names begin with ``X-``. In an environment file, which has no
sections, its lines are comments. ``Hash=`` is the SHA-256 of all the rest of the file. Reading is
on the way of every command: no jinja2, no configparser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pm2sd.errors import CannotCarry

if TYPE_CHECKING:
    from pm2sd.units.model import Mark

MARK_PREFIX: Final = "# Managed by pm2sd"
"""Every file of ours begins with this."""

MAX_LINE: Final = 1024 * 1024 - 1
"""The longest line systemd reads, in bytes (LONG_LINE_MAX)."""

_HEADER: Final = "[X-Pm2sd]\n"
_COMMENT: Final = "# "
_OWN_KEYS: Final = ("App", "Namespace", "Source", "Version")
_HASH: Final = "Hash"

# Compiled by their first use, which listing apps has none of.
_KEY: Final = r"[A-Z][A-Za-z]*"
_VARIABLE: Final = r'(?sm)^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$'


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMark:
    """What a file of ours says of itself; ``record`` holds each further key's line of JSON."""

    app: str
    namespace: str
    source: str
    version: str
    record: Mapping[str, str]
    _text: str = field(repr=False, compare=False)

    @property
    def intact(self) -> bool:
        """Whether the file is as pm2sd wrote it. Computed when asked for: most callers do not."""
        line, start, end = _hash_line(self._text)
        return line == _digest(self._text[:start] + self._text[end:])


def marked(body: str, mark: Mark, path: str, instead: str, *, sections: bool = True) -> str:
    """The whole text of the file at ``path``: ``body`` between the mark line and the section.

    ``instead`` tells people what to do instead of editing it. Without ``sections`` (environment
    files) the section is a comment. Raises CannotCarry for a line that systemd would not read.
    """
    prefix = "" if sections else _COMMENT
    keys = {"App": mark.app, "Namespace": mark.namespace}
    keys |= {"Source": mark.source, "Version": mark.version}
    lines = {key: json.dumps(value) for key, value in keys.items()}
    for key, value in mark.record.items():
        if not re.fullmatch(_KEY, key) or key in (*_OWN_KEYS, _HASH):
            raise ValueError(f"no key for a record: {key!r}")
        if not value.isascii() or "\n" in value or value.endswith("\\"):
            raise ValueError(f"no line of ASCII JSON: {key}={value!r}")
        lines[key] = value
    text = f"{MARK_PREFIX}. Edits here are lost; {instead} instead.\n"
    text += body.strip("\n") + f"\n\n{prefix}{_HEADER}"
    text += "".join(f"{prefix}{key}={value}\n" for key, value in lines.items())
    if sections:
        _check_lines(text, path)
    return f"{text}{prefix}{_HASH}={_digest(text)}\n"


def read_mark(text: str) -> ParsedMark | None:
    """What the file says of itself; None where it is not ours, or its section is beyond reading."""
    if not text.startswith(MARK_PREFIX):
        return None
    before, header, section = text.rpartition(_HEADER)
    if not header:
        return None
    prefix = _COMMENT if before.endswith(_COMMENT) else ""
    values = {}
    for line in section.split("\n"):
        if line.startswith("["):
            break
        key, equals, value = line.removeprefix(prefix).partition("=")
        if equals:
            values[key] = value
    try:
        own = ",".join([values.pop(key) for key in _OWN_KEYS])
        app, namespace, source, version = json.loads(f"[{own}]")
    except (KeyError, ValueError):
        return None
    if not all(isinstance(value, str) for value in (app, namespace, source, version)):
        return None
    values.pop(_HASH, None)
    return ParsedMark(
        app=app, namespace=namespace, source=source, version=version, record=values, _text=text
    )


def sections(text: str) -> dict[str, list[tuple[str, str]]]:
    """The directives of a unit file that pm2sd wrote, as they stand there: section -> pairs.

    pm2sd writes no continued lines; a value's escapes are left as they are.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in text.split("\n"):
        if line.startswith("[") and line.endswith("]"):
            current = found.setdefault(line[1:-1], [])
        elif line and line[0] not in "#;":
            name, equals, value = line.partition("=")
            if equals:
                current.append((name.strip(), value.strip()))
    return found


def environment_variables(text: str) -> dict[str, str]:
    """The variables of an environment file that pm2sd wrote, with their values as they were."""
    body = text.rpartition(f"{_COMMENT}{_HEADER}")[0].partition("\n")[2]
    return {
        match[1]: re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)
        for match in re.finditer(_VARIABLE, body)
    }


def _hash_line(text: str) -> tuple[str, int, int]:
    """The value of the section's last ``Hash=``, and where its line begins and ends."""
    start = text.rfind("\n", 0, text.rfind(f"{_HASH}=")) + 1
    end = text.find("\n", start) + 1 or len(text)
    return text[start:end].partition("=")[2].rstrip("\n"), start, end


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode(errors="surrogateescape")).hexdigest()


def _check_lines(text: str, path: str) -> None:
    if len(text) * 4 <= MAX_LINE:
        return
    for line in text.split("\n"):
        length = len(line.encode(errors="surrogateescape"))
        if length > MAX_LINE:
            raise CannotCarry(
                f"the line {line.partition('=')[0]}= of {path}",
                f"would have {length} bytes; systemd reads {MAX_LINE}",
                "put long values into files that the app reads",
            )
