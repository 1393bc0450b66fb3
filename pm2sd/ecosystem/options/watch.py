"""Options that restart an app when its files change."""

from __future__ import annotations

from pm2sd.ecosystem.options.lists import Arguments, Strings
from pm2sd.ecosystem.options.model import Flag, Option, Section
from pm2sd.ecosystem.options.numbers import Duration
from pm2sd.ecosystem.options.types import Boolean, Either
from pm2sd.ecosystem.options.watch_options import WatchOptions
from pm2sd.notes import Fidelity

WATCH = (
    Option(
        name="watch",
        section=Section.WATCH,
        type=Either((Boolean(), Strings()), "true, false, a path, or a list of paths"),
        default=False,
        quiet=(False,),
        pm2="Restarts the app when a file changes: below cwd, or in the paths given.",
        doc="Restarts the app when something changes: below cwd, or in the paths and patterns "
        "given. Names that begin with a dot and node_modules are not watched, unless they are "
        "named here; nor are the app's own log files. An instance that was stopped on request "
        "stays down; one that has failed is started.",
        becomes="NAME:watch.service",
        fidelity=Fidelity.BETTER,
        difference="one watcher for all instances; many changes at once, as by git checkout, are "
        "one restart; stop ends the watching and start begins it again, where PM2 never watches "
        "again; the journal names what changed",
        example="watch: [src, config]",
        flags=(Flag(("--watch",), "optional", True),),
    ),
    Option(
        name="ignore_watch",
        section=Section.WATCH,
        part_of=("watch",),
        type=Arguments("a list of paths or patterns"),
        default_text="hidden files and node_modules",
        pm2="What not to watch; takes the place of the default.",
        doc="What not to watch: paths and patterns (*, **, ?, [a-z], {a,b}, !(a)) relative to cwd: "
        '"*.log" is a file directly in cwd, "**/*.log" one in any directory.',
        becomes="NAME:watch.service",
        fidelity=Fidelity.BETTER,
        difference="hidden files and node_modules stay unwatched too; in PM2 they are watched as "
        "soon as this is written",
        example="ignore_watch: [logs, '**/*.tmp']",
        flags=(Flag(("--ignore-watch",)),),
    ),
    Option(
        name="watch_delay",
        section=Section.WATCH,
        part_of=("watch",),
        type=Duration(),
        quiet=(0,),
        default_text="none",
        pm2="The pause between a change and the restart.",
        doc="How long nothing must change before the restart; at least 200 ms.",
        becomes="NAME:watch.service",
        fidelity=Fidelity.BETTER,
        difference="counted from the last change, not from the first, but at most 10 s longer; "
        "what changes while the app restarts is not lost",
        example="watch_delay: 1000",
        flags=(Flag(("--watch-delay",), unit="s"),),
    ),
    Option(
        name="watch_options",
        section=Section.WATCH,
        part_of=("watch",),
        type=WatchOptions(),
        pm2="Options for chokidar, the library that watches.",
        doc="How to watch: usePolling (with interval) for file systems that tell nothing of "
        "changes, as NFS; followSymlinks, depth, cwd, ignored (in place of ignore_watch), "
        "awaitWriteFinish, disableGlobbing. Other names are refused.",
        becomes="NAME:watch.service",
        fidelity=Fidelity.BETTER,
        difference="polling is once a second (chokidar: ten times) and never takes more than 5 % "
        "of a CPU; chokidar ignores options that it does not know",
        example="watch_options: {usePolling: true, interval: 500}",
    ),
)
