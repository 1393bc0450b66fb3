"""One connection to the user manager: opened, called, listened to, closed.

Rules kept here because pystemd does not: a connection is closed exactly once (twice aborts the
process); signals are taken from the queue instead of through callbacks, to which pystemd keeps no
reference; a call that a signal handler interrupted is made again.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from pm2sd.errors import Pm2sdError
from pm2sd.systemd import pystemd_raw, scope
from pm2sd.systemd.errors import error_text, translated
from pm2sd.systemd.paths import owner, user_runtime_directory_text

SYSTEMD: Final = b"org.freedesktop.systemd1"
SYSTEMD_PATH: Final = b"/org/freedesktop/systemd1"
MANAGER: Final = b"org.freedesktop.systemd1.Manager"
PROPERTIES: Final = b"org.freedesktop.DBus.Properties"
_BUS: Final = b"org.freedesktop.DBus"
_BUS_PATH: Final = b"/org/freedesktop/DBus"

ANSWER_WITHIN = 5.0
"""Seconds within which the other side must say something; a frozen manager would not."""

UP_WITHIN = 15.0
"""Seconds for a manager that is being started: a login waits for it, enable-linger does not."""

_STEP: Final = 0.1
_NO_SOCKET: Final = "there is no socket to connect to"


class Connection:
    """A connection that was proved to lead to a systemd manager.

    Every method raises ManagerError, or UnitError where ``unit`` says whom a call is about, for
    what the manager refuses, and ValueError after ``close``.
    """

    __slots__ = ("_dbus", "_errors", "_lib", "_listening", "_private")

    def __init__(self, lib: ModuleType, errors: ModuleType, dbus: Any, *, private: bool) -> None:
        self._lib, self._errors, self._private = lib, errors, private
        self._dbus: Any = dbus
        self._listening = False

    def close(self) -> None:
        """Hang up; further calls of ``close`` do nothing."""
        dbus, self._dbus = self._dbus, None
        if dbus is not None:
            dbus.close()

    def call(
        self,
        member: bytes,
        signature: bytes = b"",
        *values: object,
        interface: bytes = MANAGER,
        path: bytes = SYSTEMD_PATH,
        unit: str = "",
    ) -> Any:
        """Call a method of systemd's; what it returned, still as bytes.

        One value is returned as it is, several as a list, none as None. ``signature`` may hold
        basic types, arrays and structs.
        """
        return self.call_built(
            member, self.arguments(signature, *values), interface=interface, path=path, unit=unit
        )

    def arguments(self, signature: bytes, *values: object) -> list[tuple[int, Any]]:
        """Values in the form pystemd appends them to a message."""
        return self._lib.apply_signature(signature, list(values)) if signature else []

    def call_built(
        self,
        member: bytes,
        arguments: list[tuple[int, Any]],
        *,
        destination: bytes = SYSTEMD,
        interface: bytes = MANAGER,
        path: bytes = SYSTEMD_PATH,
        unit: str = "",
    ) -> Any:
        """Like ``call``, with arguments that a signature alone cannot build."""
        while True:
            try:
                return (
                    self._open().call_method(destination, path, interface, member, arguments).body
                )
            except self._errors.DBusInterruptedError:
                continue
            except self._errors.DBusBaseError as error:
                raise translated(error, unit) from error

    def unit_path(self, unit: str) -> bytes:
        """The object path of a unit, which need not be loaded."""
        path: bytes = self._lib.path_encode(SYSTEMD_PATH + b"/unit", unit.encode())
        return path

    def listen(self) -> None:
        """Ask for the manager's JobRemoved signals (unasked on its private socket)."""
        if self._listening:
            return
        if not self._private:
            rule = f"type='signal',interface='{MANAGER.decode()}',member='JobRemoved'"
            self.call_built(
                b"AddMatch",
                self.arguments(b"s", rule),
                destination=_BUS,
                interface=_BUS,
                path=_BUS_PATH,
            )
        self.call(b"Subscribe")
        self._listening = True

    def removed_job(self, timeout: float) -> tuple[bytes, str] | None:
        """The object path and the result of a job that ended.

        Handles one message; None when it was another one, or none came within ``timeout`` seconds.
        """
        try:
            dbus = self._open()
            dbus.wait(max(0, int(timeout * 1e6)))
            message = dbus.process()
            if not message.is_signal(MANAGER, b"JobRemoved"):
                return None
            message.process_reply(False)
        except self._errors.DBusBaseError as error:
            if error.errno == -errno.EINTR:
                return None
            raise translated(error) from error
        _, path, _, result = message.body
        return path, result.decode()

    def _open(self) -> Any:
        if self._dbus is None:
            raise ValueError("the connection to the user manager is closed")
        return self._dbus


def connect(environ: Mapping[str, str] = os.environ) -> Connection:
    """Connect to this user's manager: its private socket, then the user bus.

    One that is just being started is waited for. Raises NoUserManager, with the cause and the
    command that mends it; Pm2sdError where there is a manager, and pystemd cannot be loaded.
    """
    try:
        lib, errors = pystemd_raw.load()
    except Pm2sdError:
        from pm2sd.systemd.diagnosis import booted, diagnose, gather

        if booted():
            raise
        # Without systemd there is no libsystemd either, and it would not help.
        raise diagnose(gather(_NO_SOCKET, environ)) from None
    found = _attempt(lib, errors, environ)
    if isinstance(found, Connection):
        return found
    from pm2sd.systemd.diagnosis import diagnose, gather, is_starting

    deadline = time.monotonic() + UP_WITHIN
    while is_starting() and time.monotonic() < deadline:
        time.sleep(_STEP)
        found = _attempt(lib, errors, environ)
        if isinstance(found, Connection):
            return found
    raise diagnose(gather(found, environ))


def _attempt(lib: ModuleType, errors: ModuleType, environ: Mapping[str, str]) -> Connection | str:
    """A connection, or why there is none."""
    complaint = _NO_SOCKET
    for address, private in _addresses(environ):
        dbus = lib.DBusAddress(address, peer_to_peer=private)
        connection = Connection(lib, errors, dbus, private=private)
        try:
            dbus.open()
            _expect_answer(dbus)
            connection.call(b"Get", b"ss", MANAGER, b"Version", interface=PROPERTIES)
        except (errors.DBusBaseError, TimeoutError, Pm2sdError) as error:
            known = isinstance(error, errors.DBusBaseError)
            complaint = error_text(error) if known else str(error)
            connection.close()
            if isinstance(error, TimeoutError):
                break  # the bus would only lead to the same frozen manager
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    return complaint


def _addresses(environ: Mapping[str, str]) -> Iterator[tuple[bytes, bool]]:
    """The D-Bus addresses to try, each with whether it is the manager's own private socket.

    The variable of the session bus counts only where XDG_RUNTIME_DIR is ours as well: under
    ``sudo -E`` both name another user's, and root would be let in.
    """
    base = user_runtime_directory_text(environ)
    bus = f"{base}/dbus/system_bus_socket" if scope.system else f"{base}/bus"
    for path, private in ((f"{base}/systemd/private", True), (bus, False)):
        if owner(path) == os.getuid():
            yield b"unix:path=" + _escaped(os.fsencode(path)), private
    session = environ.get("DBUS_SESSION_BUS_ADDRESS")
    if session and not scope.system and environ.get("XDG_RUNTIME_DIR") == base:
        yield os.fsencode(session), False


def _escaped(path: bytes) -> bytes:
    """A path inside a D-Bus address: any other character is written ``%xx``."""
    plain = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/."
    return b"".join(b"%c" % byte if byte in plain else b"%%%02x" % byte for byte in path)


def _expect_answer(dbus: Any) -> None:
    """Wait until the other side of a fresh connection says something.

    libsystemd would wait for 90 seconds to be let in. Raises TimeoutError.
    """
    poll = select.poll()
    poll.register(dbus.get_fd(), select.POLLIN)
    if not poll.poll(ANSWER_WITHIN * 1000):
        raise TimeoutError(f"no answer within {ANSWER_WITHIN:g} s")


def decoded(value: Any) -> Any:
    """A D-Bus value with every byte string in it, at any depth, as text."""
    match value:
        case bytes():
            return value.decode(errors="replace")
        case list():
            return [decoded(item) for item in value]
        case tuple():
            return tuple(decoded(item) for item in value)
        case dict():
            return {decoded(key): decoded(item) for key, item in value.items()}
        case _:
            return value
