"""The watcher's unit, and that the watcher reads its command line as it was meant."""

from __future__ import annotations

from dataclasses import replace

from pm2sd import __version__
from pm2sd.ecosystem.app import App
from pm2sd.translate.watch import command, watcher
from pm2sd.units.model import AuxiliaryService, Mark
from pm2sd.watch.__main__ import Orders, orders

APP = App(name="@a/b", script="/a.js", command=("/usr/bin/node", "/a.js"), cwd="/srv", instances=3)
WATCHED = replace(APP, watched=(".",), watch_base="/srv")
MARK = Mark(app="@a/b", namespace="default", source="", version=__version__)


def read(app: App) -> Orders:
    words = command(app)
    assert words[1:4] == ("-P", "-m", "pm2sd.watch")
    return orders(words[4:])


def test_there_is_no_watcher_where_nothing_is_watched() -> None:
    assert watcher(APP, MARK).units == ()


def test_one_unit_that_comes_and_goes_with_the_target() -> None:
    found = watcher(WATCHED, MARK)
    (unit,) = found.units
    assert isinstance(unit, AuxiliaryService)
    assert found.wanted == (unit.name,) == (r"\x40a\x2fb:watch.service",)
    assert unit.part_of == r"\x40a\x2fb.target"
    assert unit.type == "notify"
    assert unit.syslog_identifier == r"\x40a\x2fb:watch"


def test_plain_watching_is_the_watchers_default() -> None:
    plain = read(WATCHED)
    assert (plain.app, plain.delay, plain.poll, plain.follow) == (r"\x40a\x2fb", 0, None, True)
    assert [root.path for root in plain.rules.roots] == ["/srv"]
    assert plain.rules.ignored == ()
    assert plain.rules.depth is None


def test_every_option_reaches_the_watcher() -> None:
    options = {
        "usePolling": True,
        "interval": 250,
        "depth": 0,
        "followSymlinks": False,
        "disableGlobbing": True,
        "awaitWriteFinish": 2000,
    }
    app = replace(WATCHED, watched=("*.js", "-x"), watch_delay=500, watch_options=options)
    some = read(replace(app, ignore_watch=("-y", "**/*.log")))
    assert (some.delay, some.poll, some.follow, some.rules.depth) == (2.0, 0.25, False, 0)
    assert [root.path for root in some.rules.roots] == ["/srv/*.js", "/srv/-x"]
    assert [one.path for one in some.rules.ignored] == ["/srv/-y", "/srv/**/*.log"]


def test_polling_is_once_a_second_unless_said_otherwise() -> None:
    assert read(replace(WATCHED, watch_options={"usePolling": True})).poll == 1.0
    assert read(replace(WATCHED, watch_options={"interval": 100})).poll is None


def test_the_apps_own_logs_are_ignored() -> None:
    logs = replace(WATCHED, out_file="/srv/out.log", error_file="/dev/null", merge_logs=False)
    files = read(logs).rules.files
    assert files == ("/srv/out-0.log", "/srv/out-1.log", "/srv/out-2.log")
