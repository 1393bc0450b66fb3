r"""The names of an app's units and files, and back.

An app's name may hold anything; a unit's may not. Whatever is outside ``[A-Za-z0-9_.-]`` is
written as ``\xHH`` per byte, as systemd-escape(1) does: ``@apps/api`` -> ``\x40apps\x2fapi``.
"""

from __future__ import annotations

import re
from typing import Final

from pm2sd.errors import CannotCarry

UNIT_NAME: Final = r"[A-Za-z0-9:_.\\@-]+\.[a-z]+"
"""What systemd takes for a unit's name (VALID_CHARS in unit-name.c), as a regular expression."""

MAX_BYTES: Final = 255
"""The longest unit name (UNIT_NAME_MAX), and file name."""

DROP_IN: Final = "10-pm2sd.conf"
SECRETS: Final = "secrets.env"

# A leading dot hides a file, a leading dash is an option of systemctl, and "pm2sd-" begins the
# names of namespaces' targets.
_ESCAPED: Final = re.compile(r"[^A-Za-z0-9_.-]|\A[.-]|(?<=\Apm2sd)-", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\x([0-9a-f]{2})")
_INSTANCE: Final = re.compile(r"([^@]+)@(0|[1-9][0-9]*)\.service")
_LONGEST: Final = "@999999.service.d"


def unit_name(app: str) -> str:
    r"""The app's name as the part of a unit's name before ``@`` or the suffix.

    ``-`` and ``.`` stay as they are except at the beginning. Raises CannotCarry for names that are
    empty, too long, not UTF-8 or hold a NUL.
    """
    return _escape(app, "the app name")


def app_name(unit: str) -> str:
    """What ``unit_name`` was given; also of a namespace.

    Raises ValueError for text that ``unit_name`` cannot have made.
    """
    octets = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), unit).encode("latin-1")
    name = octets.decode()
    if not unit or _spell(name) != unit:
        raise ValueError(f"not a name of ours: {unit!r}")
    return name


def service_template(app: str) -> str:
    """``NAME@.service``."""
    return f"{unit_name(app)}@.service"


def instance(app: str, number: int) -> str:
    """``NAME@N.service``."""
    return f"{unit_name(app)}@{number}.service"


def parse_instance(unit: str) -> tuple[str, int] | None:
    """App and number of ``NAME@N.service``; None for other names."""
    match = _INSTANCE.fullmatch(unit)
    if match is None:
        return None
    try:
        return app_name(match[1]), int(match[2])
    except ValueError:
        return None


def display(unit: str) -> str:
    """An instance's unit as people call it: ``tracking@0``."""
    parsed = parse_instance(unit)
    return f"{parsed[0]}@{parsed[1]}" if parsed else unit


def target(app: str) -> str:
    """``NAME.target``."""
    return f"{unit_name(app)}.target"


def auxiliary(app: str, what: str, suffix: str) -> str:
    """``NAME:WHAT.SUFFIX``: a unit beside the app's instances.

    A colon is escaped in app names, so no other app has such a unit. Raises CannotCarry where the
    name is too long.
    """
    name = f"{unit_name(app)}:{what}.{suffix}"
    # systemd keeps when a timer ran last in a file called stamp-NAME.
    if len(f"stamp-{name}") > MAX_BYTES:
        raise CannotCarry(f"the app name {app[:40]!r}...", f"is too long for its {suffix}")
    return name


def socket(app: str) -> str:
    """``NAME.socket``."""
    return f"{unit_name(app)}.socket"


def socket_template(app: str) -> str:
    """``NAME@.socket``."""
    return f"{unit_name(app)}@.socket"


def instance_socket(app: str, number: int) -> str:
    """``NAME@N.socket``."""
    return f"{unit_name(app)}@{number}.socket"


def is_auxiliary(unit: str, app: str) -> bool:
    """Whether a unit, or a file of one, is beside the app's instances."""
    name = unit_name(app)
    is_socket = unit.endswith(".socket") and unit.startswith((f"{name}.socket", f"{name}@"))
    return is_socket or unit.startswith(f"{name}:")


def template_of(unit: str) -> str:
    """``web@.service`` for ``web@0.service``; a unit that is no instance is its own."""
    prefix, at, rest = unit.partition("@")
    return f"{prefix}@.{rest.rpartition('.')[2]}" if at else unit


def namespace_target(namespace: str) -> str:
    """``pm2sd-NAMESPACE.target``; no app's target has such a name."""
    return f"pm2sd-{_escape(namespace, 'the namespace')}.target"


def slice_name(app: str) -> str:
    r"""``app-pm2sd-NAME.slice``, with the dashes of NAME as ``\x2d``: a dash means "inside of"."""
    return f"app-pm2sd-{_slice_part(unit_name(app))}.slice"


def instance_drop_in(app: str, number: int) -> str:
    """``NAME@N.service.d/10-pm2sd.conf``."""
    return drop_in(instance(app, number))


def drop_in(unit: str) -> str:
    """The path of our drop-in for a unit."""
    return f"{unit}.d/{DROP_IN}"


def secrets_file(app: str) -> str:
    """``NAME@.service.d/secrets.env``."""
    return secrets_of(service_template(app))


def secrets_of(unit: str) -> str:
    """The path of a unit's environment file, which systemd does not take for a drop-in."""
    return f"{unit}.d/{SECRETS}"


def _escape(name: str, what: str) -> str:
    if not name:
        raise CannotCarry(what, "is empty")
    if "\0" in name:
        raise CannotCarry(f"{what} {name!r}", "holds a NUL byte")
    try:
        spelled = _spell(name)
    except UnicodeEncodeError as error:
        raise CannotCarry(f"{what} {name!r}", "is not UTF-8") from error
    longest = max(len(spelled) + len(_LONGEST), len(f"app-pm2sd-{_slice_part(spelled)}.slice"))
    if longest > MAX_BYTES:
        raise CannotCarry(
            f"{what} {name[:40]!r}...",
            f"is too long: its units' names would have {longest} bytes, {MAX_BYTES} are allowed",
        )
    return spelled


def _spell(name: str) -> str:
    return _ESCAPED.sub(_hex, name)


def _hex(match: re.Match[str]) -> str:
    return "".join(f"\\x{octet:02x}" for octet in match[0].encode())


def _slice_part(spelled: str) -> str:
    return spelled.replace("-", r"\x2d")
