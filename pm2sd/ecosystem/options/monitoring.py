"""Options of PM2's monitoring, its paid service and its own workings: known, without effect."""

from __future__ import annotations

from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.options.lists import Strings
from pm2sd.ecosystem.options.model import Flag, Option, Section
from pm2sd.ecosystem.options.numbers import Duration
from pm2sd.ecosystem.options.types import Boolean, Choice, Either, Shape, Text, ValueType
from pm2sd.notes import Fidelity

_NOTHING_INJECTED = "nothing is injected into the app"


def _without_effect(
    name: str,
    pm2: str,
    difference: str,
    example: str,
    *,
    section: Section = Section.MONITORING,
    kind: ValueType | None = None,
    default: Plain = None,
    quiet: tuple[object, ...] = (False,),
    flags: tuple[Flag, ...] = (),
    part_of: tuple[str, ...] = (),
) -> Option:
    """A row for an option that nothing becomes of; with a ``quiet`` value nothing is missed."""
    return Option(
        name=name,
        section=section,
        type=kind or Boolean(),
        pm2=pm2,
        doc="Nothing; accepted because files have it.",
        becomes="nothing",
        fidelity=Fidelity.NO_EFFECT,
        difference=difference,
        example=example,
        default=default,
        quiet=quiet,
        flags=flags,
        part_of=part_of,
    )


MONITORING = (
    _without_effect(
        "pmx",
        "Loads PM2's monitoring into Node apps.",
        _NOTHING_INJECTED,
        "pmx: false",
        kind=Either(
            (Boolean(), Choice({"true": True, "false": False}, "true or false")), "true or false"
        ),
        default=True,
        flags=(Flag(("--no-pmx",), "nothing", False),),
    ),
    _without_effect(
        "automation",
        "false turns pmx off.",
        _NOTHING_INJECTED,
        "automation: false",
        default=True,
        flags=(Flag(("--no-automation",), "nothing", False),),
    ),
    _without_effect(
        "trace",
        "Traces transactions with OpenTelemetry, which PM2 installs.",
        _NOTHING_INJECTED,
        "trace: false",
        default=False,
        flags=(Flag(("--trace",), "nothing", True),),
    ),
    _without_effect(
        "disable_trace",
        "Turns trace off.",
        _NOTHING_INJECTED,
        "disable_trace: true",
        quiet=(True, False),
        flags=(Flag(("--disable-trace",), "nothing", True),),
    ),
    _without_effect(
        "deep_monitoring",
        "Turns trace, v8 and event_loop_inspector on.",
        _NOTHING_INJECTED,
        "deep_monitoring: false",
        default=False,
        flags=(Flag(("--deep-monitoring",), "nothing", True),),
    ),
    _without_effect(
        "v8",
        "Collects figures of V8.",
        _NOTHING_INJECTED,
        "v8: false",
        default=False,
        flags=(Flag(("--v8",), "nothing", True),),
    ),
    _without_effect(
        "event_loop_inspector",
        "Collects figures of Node's event loop.",
        _NOTHING_INJECTED,
        "event_loop_inspector: false",
        default=False,
        flags=(Flag(("--event-loop-inspector",), "nothing", True),),
    ),
    _without_effect(
        "io",
        "Settings of the library @pm2/io.",
        _NOTHING_INJECTED,
        "io: {conf: {tracing: false}}",
        kind=Shape(("an object",), "an object"),
    ),
    _without_effect(
        "km_link",
        "Whether the app is linked to PM2's service; set by PM2 itself.",
        "there is no such service here",
        "km_link: false",
    ),
    _without_effect(
        "vizion",
        "Reads the git revision of the app, where PM2_ENABLE_GIT_PARSING is set.",
        "git is not read",
        "vizion: false",
        default=True,
        flags=(Flag(("--no-vizion",), "nothing", False),),
    ),
    _without_effect(
        "source_map_support",
        "Nothing any more; Node reads source maps itself.",
        "source maps are turned on with node_args: --enable-source-maps",
        "source_map_support: false",
        default=True,
        flags=(Flag(("--source-map-support",), "nothing", True),),
    ),
    _without_effect(
        "disable_source_map_support",
        "Nothing any more; Node reads source maps itself.",
        "source maps are off unless node_args turn them on",
        "disable_source_map_support: true",
        default=False,
        quiet=(True, False),
        flags=(Flag(("--disable-source-map-support",), "nothing", True),),
    ),
)

INTERNAL = (
    _without_effect(
        "force",
        "Starts a script a second time although it runs already.",
        "an app is known by its name: give the second one another name",
        "force: false",
        section=Section.INTERNAL,
        default=False,
        flags=(
            Flag(
                ("--force", "-f"),
                "nothing",
                True,
                help="Start again a script that runs, replace an app of the same name, and "
                "overwrite unit files that were edited by hand.",
            ),
        ),
    ),
    _without_effect(
        "post_update",
        "Commands that pm2 pull runs after it fetched a new revision.",
        "nothing here fetches revisions: git pull, run the commands, then pm2sd reload NAME",
        "post_update: [npm install]",
        section=Section.INTERNAL,
        kind=Strings("a list of commands"),
    ),
    _without_effect(
        "exec_timeout",
        "The most time for each command of post_update.",
        "nothing runs the commands of post_update",
        "exec_timeout: 60000",
        section=Section.INTERNAL,
        kind=Duration(),
        default=60000,
        part_of=("post_update",),
    ),
    _without_effect(
        "windowsHide",
        "Hides the console window on Windows.",
        "there are no windows to hide on Linux",
        "windowsHide: true",
        section=Section.INTERNAL,
        default=True,
    ),
    _without_effect(
        "write",
        "Writes the options to NAME-pm2.json in the working directory.",
        "nothing is written but the units, which pm2sd cat prints",
        "write: false",
        section=Section.INTERNAL,
        default=False,
        flags=(Flag(("--write", "-w"), "nothing", True),),
    ),
    Option(
        name="name_prefix",
        section=Section.INTERNAL,
        type=Text(),
        pm2="Put before the name, as PREFIX:NAME; PM2 sets it for its modules.",
        doc="Put before the name, as PREFIX:NAME.",
        becomes="the names of the units",
        fidelity=Fidelity.EXACT,
        example="name_prefix: module",
    ),
    _without_effect(
        "install_url",
        "Where one of PM2's modules was installed from.",
        "there are no modules here",
        "install_url: https://registry.npmjs.org/pm2-logrotate",
        section=Section.INTERNAL,
        kind=Text(),
    ),
    _without_effect(
        "username",
        "The user shown in the list; set by PM2 itself.",
        "the list shows the user who really runs the app",
        "username: deploy",
        section=Section.INTERNAL,
        kind=Text(),
    ),
)
