"""D-Bus errors become ours, by name."""

from __future__ import annotations

import errno

import pytest

from pm2sd.systemd import pystemd_raw
from pm2sd.systemd.errors import ManagerError, UnitError, error_name, error_text, translated

_, EXC = pystemd_raw.load()
SYSTEMD = b"org.freedesktop.systemd1."


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (EXC.DBusError(-2, SYSTEMD + b"NoSuchUnit", b"x"), "NoSuchUnit"),
        (EXC.DBusError(-132, SYSTEMD + b"UnitMasked", b"x"), "UnitMasked"),
        (EXC.DBusError(-110, b"System.Error.ETIMEDOUT", b"x"), "ETIMEDOUT"),
        (EXC.DBusError(-104, None, "Failed to process bus"), "ECONNRESET"),
        (EXC.DBusError(-104, "Failed to wait for bus"), "ECONNRESET"),
        (EXC.DBusError(-5, b"org.freedesktop.DBus.Error.IOError", b"x"), "IOError"),
    ],
)
def test_the_name_survives_what_pystemd_drops(error: Exception, name: str) -> None:
    assert error_name(error) == name


def test_texts_are_one_line_and_say_why() -> None:
    assert error_text(EXC.DBusError(-5, b"a.b", "Ünit\n not".encode())) == "Ünit not"
    assert error_text(EXC.DBusError(-errno.ECONNREFUSED, None, "Could not open a bus to DBus")) == (
        "Connection refused"
    )


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        (b"NoSuchUnit", "no-such-unit", None),
        (b"UnitMasked", "masked", "systemctl --user unmask a@0.service"),
        (b"BadUnitSetting", "bad-setting", "systemctl --user status a@0.service"),
        (b"LoadFailed", "load-failed", "systemctl --user status a@0.service"),
        (b"NoSuchProcess", "no-process", None),
        (b"SomethingNew", "refused", None),
    ],
)
def test_refusals_name_the_unit(name: bytes, reason: str, hint: str | None) -> None:
    error = translated(EXC.DBusError(-1, SYSTEMD + name, b"the detail"), "a@0.service")
    assert isinstance(error, UnitError)
    assert (error.unit, error.reason, error.hint) == ("a@0.service", reason, hint)
    assert "a@0.service" in error.message


def test_access_denied_is_not_taken_for_a_missing_unit() -> None:
    denied = EXC.DBusError(-13, b"org.freedesktop.DBus.Error.AccessDenied", b"no")
    error = translated(denied, "a@0.service")
    assert isinstance(error, UnitError)
    assert error.reason == "access-denied"


@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.ECONNRESET, errno.EPIPE])
def test_a_lost_manager_is_no_fault_of_the_unit(number: int) -> None:
    error = translated(EXC.DBusError(-number, None, "x"), "a@0.service")
    assert isinstance(error, ManagerError)
    assert error.hint
