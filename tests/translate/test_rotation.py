"""The configuration of logrotate, and the timers."""

from __future__ import annotations

import json

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.translate.rotation import (
    BY_SIZE,
    Places,
    Settings,
    configuration,
    date_suffix,
    for_root,
    units,
)
from pm2sd.units.model import AuxiliaryService, Timer
from pm2sd.units.render import render


def app(name: str = "api", **fields: object) -> App:
    known: dict[str, object] = {"script": "/x", "command": ("/x",), "cwd": "/", "name": name}
    return App(**{**known, **fields})  # type: ignore[arg-type]


def sections(text: str) -> list[list[str]]:
    return [section.splitlines() for section in text.strip().split("\n\n")[1:]]


def test_the_files_of_all_apps_are_copied_and_emptied_each_once() -> None:
    apps = [
        app(out_file="/l/a.log", error_file="/dev/null"),
        app("two", out_file="/l/a.log", error_file="/l/with space.log"),
        app("none"),
    ]
    assert sections(configuration(apps, Settings())) == [
        ['"/l/a.log"', '"/l/with space.log"', "{", "  copytruncate", "}"]
    ]


def test_files_are_renamed_where_the_app_opens_them_anew_at_a_signal() -> None:
    reopens = app(instances=2, rotate_files=("/l/*.log",), rotate_signal="SIGHUP")
    ((first, _, *rule, _),) = sections(configuration([reopens], Settings()))
    assert first == '"/l/*.log"'
    assert "  copytruncate" not in rule
    assert {"  create", "  delaycompress"} <= set(rule)
    (kill,) = (line for line in rule if "kill" in line)
    assert "for unit in api@0.service api@1.service; do" in kill
    assert "--signal=SIGHUP" in kill


def test_names_that_logrotate_would_take_for_patterns_get_numbers() -> None:
    ((path, *rule),) = sections(configuration([app(out_file="/l/{a}[1]*.log")], Settings()))
    assert path == r'"/l/?a?\[1\]\*.log"'
    assert "  nodateext" in rule


def test_for_root_every_directive_is_inside_of_braces() -> None:
    text = for_root([app(out_file="/l/a.log")], Settings(), "ada", "staff", 1815)
    (section,) = sections(text)
    assert section[:4] == ['"/l/a.log"', "{", "  su ada staff", "  daily"]
    assert text.splitlines()[1] == ""


@pytest.mark.parametrize(
    ("format_", "suffix"),
    [
        ("YYYY-MM-DD_HH-mm-ss", "%Y-%m-%d_%H-%M-%S"),
        ("YYYYMMDD", "%Y%m%d"),
        ("DD.MM.YYYY", "%d.%m.%Y"),
        ("YYYY-[w]ww", None),
        ("MMM", None),
        ("100%", None),
    ],
)
def test_dates_that_logrotate_cannot_write_are_found(format_: str, suffix: str | None) -> None:
    assert date_suffix(format_) == suffix


def test_the_units_carry_the_settings_and_the_clock_has_its_zone() -> None:
    settings = Settings(tz="Europe/Berlin", rotate_interval="0 4 1,15 * *", retain=None)
    places = Places("/usr/sbin/logrotate", "/s/conf", "/s/state", "/s/lock")
    made = {
        unit.name: unit
        for unit in units(settings, places)
        if isinstance(unit, Timer | AuxiliaryService)
    }
    text = render(made[BY_SIZE]).text
    (line,) = (line for line in text.splitlines() if line.startswith("Settings="))
    assert Settings.stored({"Settings": line.partition("=")[2]}) == settings
    assert json.loads(line.partition("=")[2])["retain"] is None
    timer = made["pm2sd-logrotate-interval.timer"]
    assert isinstance(timer, Timer)
    assert timer.on_calendar == ("*-*-01,15 04:00:00 Europe/Berlin",)
    service = made["pm2sd-logrotate-interval.service"]
    assert isinstance(service, AuxiliaryService)
    assert "--force" in service.exec_start[0]
