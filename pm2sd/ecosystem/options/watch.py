"""Options that restart an app when its files change."""

from __future__ import annotations

from pm2sd.ecosystem.options.lists import Arguments, Strings
from pm2sd.ecosystem.options.model import Flag, Option, Section
from pm2sd.ecosystem.options.numbers import Duration
from pm2sd.ecosystem.options.types import Boolean, Either, Shape
from pm2sd.notes import Fidelity

_NOT_WATCHED = "files are not watched yet"

WATCH = (
    Option(
        name="watch",
        section=Section.WATCH,
        type=Either((Boolean(), Strings()), "true, false, a path, or a list of paths"),
        default=False,
        quiet=(False,),
        pm2="Restarts the app when a file changes: below cwd, or in the paths given.",
        doc="Restarts the app when a file changes: below cwd, or in the paths given.",
        becomes="a watcher unit of the app",
        fidelity=Fidelity.NOT_YET,
        difference=f"{_NOT_WATCHED}; the app is not restarted when they change",
        example="watch: [src, config]",
        flags=(Flag(("--watch",), "optional", True),),
    ),
    Option(
        name="ignore_watch",
        section=Section.WATCH,
        part_of="watch",
        type=Arguments("a list of paths or patterns"),
        default_text="hidden files and node_modules",
        pm2="What not to watch; takes the place of the default.",
        doc="What not to watch.",
        becomes="a watcher unit of the app",
        fidelity=Fidelity.NOT_YET,
        difference=_NOT_WATCHED,
        example="ignore_watch: [node_modules, logs]",
        flags=(Flag(("--ignore-watch",)),),
    ),
    Option(
        name="watch_delay",
        section=Section.WATCH,
        part_of="watch",
        type=Duration(),
        quiet=(0,),
        default_text="none",
        pm2="The pause between a change and the restart.",
        doc="The pause between a change and the restart.",
        becomes="a watcher unit of the app",
        fidelity=Fidelity.NOT_YET,
        difference=_NOT_WATCHED,
        example="watch_delay: 1000",
        flags=(Flag(("--watch-delay",), unit="s"),),
    ),
    Option(
        name="watch_options",
        section=Section.WATCH,
        part_of="watch",
        type=Shape(("an object",), "an object of chokidar's options"),
        pm2="Options for chokidar, the library that watches.",
        doc="Options of chokidar, as far as they have a meaning here.",
        becomes="a watcher unit of the app",
        fidelity=Fidelity.NOT_YET,
        difference=_NOT_WATCHED,
        example="watch_options: {followSymlinks: false}",
    ),
)
