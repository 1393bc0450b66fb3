"""Reads an ecosystem file, whatever it is written in."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TextIO

from pm2sd.ecosystem.nodes import Source
from pm2sd.ecosystem.places import Places
from pm2sd.ecosystem.read_js import read_module
from pm2sd.ecosystem.read_json import read_json
from pm2sd.ecosystem.read_yaml import read_yaml
from pm2sd.errors import InvalidConfig, Location, Problem

STDIN = "-"
TIMEOUT = 10.0
"""Seconds that a JavaScript file may take."""

_DATA = (".json", ".json5", ".yaml", ".yml")
_MODULE = (".js", ".cjs", ".mjs")
_NAMES = ("ecosystem", "pm2")
_DEFAULTS = (
    *(f"{stem}.config{suffix}" for stem in _NAMES for suffix in _MODULE),
    *(f"{stem}{suffix}" for stem in _NAMES for suffix in (".yaml", ".yml", ".json", ".json5")),
    *(f"{stem}.config{suffix}" for stem in _NAMES for suffix in _DATA),
    *(f"ecosystem{suffix}" for suffix in _MODULE),
    *(f"process{suffix}" for suffix in (".yaml", ".yml", ".json")),
)
_KNOWN = "NAME.yaml, NAME.json, NAME.config.js, NAME.config.cjs, NAME.config.mjs"


def is_ecosystem_file(name: str) -> bool:
    """Whether an argument names a configuration rather than a script or an app; ``-`` does.

    As PM2 decides (by name only, lib/Common.js), but by the end of the name, so that
    ``app.json.js`` is a script; and ``ecosystem.js``, which PM2 runs as an app, is a configuration.
    """
    base = Path(name).name.lower()
    modules = tuple(f".config{suffix}" for suffix in _MODULE)
    return name == STDIN or base.endswith((*_DATA, *modules)) or base in _DEFAULTS


def find_default(directory: str) -> str | None:
    """The ecosystem file of a directory, the way PM2 looks for it and then by our other names."""
    candidates = (Path(directory, name) for name in _DEFAULTS)
    return next((str(path) for path in candidates if path.is_file()), None)


def read(path: str, *, stdin: TextIO | None, timeout: float = TIMEOUT) -> Source:
    """The configuration in a file, or from standard input where ``path`` is ``-``.

    ``timeout`` is for JavaScript, in seconds. Raises InvalidConfig for a file that cannot be read,
    is of no known kind, or whose text is not what its kind says; all other mistakes are the
    Source's ``problems``.
    """
    if path == STDIN:
        return _read_stdin(stdin, timeout)
    suffix = Path(path).suffix.lower()
    content = _content(path)
    if suffix not in (*_DATA, *_MODULE):
        raise _unreadable(path, "is of no known kind", f"an ecosystem file is called {_KNOWN}")
    places = Places(path, _text(path, content))
    # Not resolve(): the apps' relative paths start where the user sees the file, as with PM2.
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    if suffix in _MODULE:
        return read_module(places, absolute, timeout)
    if suffix in (".yaml", ".yml"):
        return read_yaml(places, absolute)
    return read_json(places, absolute, timeout)


def _read_stdin(stdin: TextIO | None, timeout: float) -> Source:
    """JSON, as PM2 reads it there, or YAML, which begins differently or says more."""
    if stdin is None:
        raise _unreadable("standard input", "is closed", "name a file instead of -")
    name = "<stdin>"
    binary = getattr(stdin, "buffer", None)
    content = binary.read() if binary is not None else stdin.read().encode()
    places = Places(name, _text(name, content))
    if not re.match(r"\s*[\[{(/]", places.text):
        return read_yaml(places, None)
    try:
        return read_json(places, None, timeout)
    except InvalidConfig as not_json:
        try:
            return read_yaml(places, None)
        except InvalidConfig:
            raise not_json from None


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        found = find_default(path)
        nothing = f"there is no ecosystem file in it ({_KNOWN})"
        hint = f"did you mean {found}?" if found else nothing
        raise _unreadable(path, "is a directory", hint) from None
    except FileNotFoundError:
        raise _unreadable(path, "does not exist", _missing_hint(path)) from None
    except (OSError, ValueError) as error:
        code = getattr(error, "errno", None)
        readable = "it must be readable by this user" if code == errno.EACCES else None
        reason = os.strerror(code).lower() if code else str(error)
        raise _unreadable(path, f"cannot be read: {reason}", readable) from None


def _missing_hint(path: str) -> str:
    directory = Path(path).parent
    if not directory.is_dir():
        return f"there is no directory {directory}"
    found = find_default(str(directory))
    return f"did you mean {found}?" if found else "pm2sd init writes one to begin with"


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = Location(name, line, error.start - content.rfind(b"\n", 0, error.start))
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise InvalidConfig([Problem(message, where, "save the file as UTF-8")]) from None
    if not text.strip():
        raise _unreadable(name, "is empty", "pm2sd init writes an example")
    return text


def _unreadable(path: str, reason: str, hint: str | None) -> InvalidConfig:
    return InvalidConfig([Problem(f"{path} {reason}", Location(path), hint)])
