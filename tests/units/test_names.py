from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pm2sd.errors import CannotCarry, ExitStatus
from pm2sd.units import names

APPS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    st.text("ab-._@/\\x2d:% é", min_size=1, max_size=20),
    st.sampled_from(
        ["pm2sd-web", "pm2sd", ".", "..", "-", "--", "@", r"\x2d", "\n", "web.service"]
    ),
)


@pytest.mark.parametrize(
    ("app", "unit"),
    [
        ("tracking-image", "tracking-image"),
        ("api_v1.2", "api_v1.2"),
        ("@apps/api", r"\x40apps\x2fapi"),
        ("api.example/hawk", r"api.example\x2fhawk"),
        ("a b:c", r"a\x20b\x3ac"),
        ("é", r"\xc3\xa9"),
        (r"\x40", r"\x5cx40"),
        (".hidden", r"\x2ehidden"),
        ("-rf", r"\x2drf"),
        ("line\n", r"line\x0a"),
    ],
)
def test_what_a_unit_name_cannot_hold_is_escaped(app: str, unit: str) -> None:
    assert names.unit_name(app) == unit
    assert names.app_name(unit) == app


@given(APPS)
def test_names_come_back_as_written(app: str) -> None:
    assert names.app_name(names.unit_name(app)) == app
    assert names.parse_instance(names.instance(app, 12)) == (app, 12)


@given(APPS, APPS)
def test_different_apps_have_different_units(one: str, other: str) -> None:
    for name_of in (names.unit_name, names.target, names.slice_name, names.service_template):
        assert (name_of(one) == name_of(other)) == (one == other)
    assert names.target(one) != names.namespace_target(other)


@given(APPS, APPS)
def test_an_auxiliary_unit_belongs_to_one_app_and_is_no_instance(one: str, other: str) -> None:
    unit = names.auxiliary(one, "watch", "service")
    assert re.fullmatch(names.UNIT_NAME, unit)
    assert names.is_auxiliary(unit, other) == (one == other)
    assert not names.is_auxiliary(names.instance(one, 0), one)
    assert names.parse_instance(names.auxiliary(one, "health@0", "service")) is None


def test_an_auxiliary_name_that_is_too_long_is_refused() -> None:
    assert names.auxiliary("web", "cron", "timer") == "web:cron.timer"
    with pytest.raises(CannotCarry, match="too long"):
        names.auxiliary("a" * 238, "schedule", "service")


@given(APPS)
def test_every_name_is_one_for_systemd(app: str) -> None:
    for name in (
        names.service_template(app),
        names.instance(app, 0),
        names.target(app),
        names.slice_name(app),
        names.namespace_target(app),
    ):
        assert re.fullmatch(names.UNIT_NAME, name)
        assert len(name) <= 255
        assert name[0] not in ".-"
    assert names.slice_name(app).count("-") == 2


def test_the_units_of_an_app() -> None:
    assert names.service_template("web") == "web@.service"
    assert names.instance("web", 3) == "web@3.service"
    assert names.target("web") == "web.target"
    assert names.slice_name("my-web") == r"app-pm2sd-my\x2dweb.slice"
    assert names.namespace_target("shop") == "pm2sd-shop.target"
    assert names.instance_drop_in("web", 3) == "web@3.service.d/10-pm2sd.conf"
    assert names.secrets_file("web") == "web@.service.d/secrets.env"


@pytest.mark.parametrize(
    "unit",
    [
        "web@.service",
        "web@x.service",
        "web@-1.service",
        "web@01.service",
        "web@1.timer",
        "web.service",
        "@1.service",
        "a@b@1.service",
        r"a\x41@1.service",
        r"a\xff@1.service",
        "a b@1.service",
        "é@1.service",
        "漢@1.service",
        "web@1.service\n",
    ],
)
def test_other_units_are_no_instances(unit: str) -> None:
    assert names.parse_instance(unit) is None


@pytest.mark.parametrize(
    "unit", ["", r"\x41", r"\xff", "a b", "\\", r"\x2D", "漢", ".a", "pm2sd-a"]
)
def test_what_no_app_is_called_is_refused(unit: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (of several kinds)
        names.app_name(unit)


@pytest.mark.parametrize(
    ("app", "why"),
    [
        ("", "is empty"),
        ("a\0b", "NUL"),
        ("\ud800", "not UTF-8"),
        ("a" * 240, "too long"),
        ("é" * 31, "too long"),
        ("-" * 61, "too long"),
    ],
)
def test_names_that_no_unit_can_have_are_refused(app: str, why: str) -> None:
    for name_of in (names.unit_name, names.service_template, names.namespace_target):
        with pytest.raises(CannotCarry, match=why) as caught:
            name_of(app)
        assert caught.value.code is ExitStatus.INVALID_CONFIG


@pytest.mark.parametrize("app", ["a" * 238, "é" * 29, "-" * 58, ".x-" * 30])
def test_the_longest_names_fit(app: str) -> None:
    assert len(names.slice_name(app)) <= 255
    assert len(f"{names.instance(app, 999_999)}.d") <= 255


@pytest.mark.parametrize(
    ("unit", "template"),
    [
        ("web@0.service", "web@.service"),
        ("web@.service", "web@.service"),
        ("a.b@1.service", "a.b@.service"),
        ("web.target", "web.target"),
    ],
)
def test_template_of(unit: str, template: str) -> None:
    assert names.template_of(unit) == template


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_names(tmp_path: Path) -> None:
    units = tmp_path / "units"
    units.mkdir()
    apps = ["web", "@apps/api", ".a", "-a", "a\nb", "a" * 238, "pm2sd-x", "é:%$ \"'\\", "x.service"]
    paths = []
    for app in apps:
        (units / names.target(app)).write_text(f"[Unit]\nWants={names.instance(app, 1)}\n")
        service = f"[Service]\nExecStart=/bin/true\nSlice={names.slice_name(app)}\n"
        (units / names.service_template(app)).write_text(service)
        paths += [units / names.target(app), units / names.instance(app, 1)]
        (units / names.instance(app, 1)).symlink_to(names.service_template(app))
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", *paths],
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
            "SYSTEMD_UNIT_PATH": f"{units}:",
        },
    )
    assert (done.returncode, done.stderr) == (0, "")
