"""Every command: its name, its other spellings, where its function is, one line of help."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the command table.

    ``function`` is ``module:function`` below ``pm2sd.cli``; it is imported when the command runs.
    ``settings`` go to the parser (``ignore_unknown_options`` and the like). ``shows_cpu`` has
    CPU times read before the parser is loaded: see ``pm2sd.observe.cpu``. ``bare`` is the function
    that does the same as the command without any argument, and needs no parser. ``tells`` says that
    what it prints on stdout only tells what it did, so that ``--silent`` leaves it out.
    """

    name: str
    function: str
    help: str
    group: str
    aliases: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    shows_cpu: bool = False
    bare: str = ""
    tells: bool = False


_FILE, _LIFE, _LOOK, _LOGS, _HELP = (
    "From file to systemd",
    "Life of an app",
    "Looking",
    "Logs",
    "Reference",
)

COMMANDS = (
    Command(
        "apply",
        "apply:apply",
        "Make systemd run what the ecosystem file says.",
        _FILE,
        tells=True,
    ),
    Command("diff", "apply:diff", "Show what apply would change.", _FILE),
    Command(
        "start",
        "start:start",
        "Start an ecosystem file, a script with PM2's flags, or apps already known.",
        _FILE,
        ("startOrRestart", "startOrReload", "startOrGracefulReload"),
        tells=True,
    ),
    Command("serve", "serve:serve", "Serve a directory over HTTP.", _FILE, ("expose",), tells=True),
    Command(
        "init", "reference:init", "Write an ecosystem file to begin with.", _FILE, ("ecosystem",)
    ),
    Command("import", "moving:import_", "Write an ecosystem file for what PM2 runs.", _FILE),
    Command("migrate", "moving:migrate", "Move the apps that PM2 runs to systemd.", _FILE),
    Command(
        "stop", "lifecycle:stop", "Stop apps or instances; they stay known.", _LIFE, tells=True
    ),
    Command("restart", "restart:restart", "Stop and start apps or instances.", _LIFE, tells=True),
    Command(
        "reload",
        "restart:reload",
        "Restart one instance after the other, each ready before the next.",
        _LIFE,
        tells=True,
    ),
    Command(
        "scale",
        "lifecycle:scale",
        "Change the number of an app's instances: 4, +2 or -1.",
        _LIFE,
        (),
        {"ignore_unknown_options": True},
        tells=True,
    ),
    Command(
        "delete",
        "lifecycle:delete",
        "Stop apps and remove their units.",
        _LIFE,
        ("del",),
        tells=True,
    ),
    Command("reset", "lifecycle:reset", "Set restart counters to 0.", _LIFE, tells=True),
    Command(
        "sendSignal",
        "lifecycle:send_signal",
        "Send a signal to the main process of instances.",
        _LIFE,
        tells=True,
    ),
    Command(
        "save",
        "boot:save",
        "Make what runs now what comes back at boot.",
        _LIFE,
        ("dump",),
        settings={"ignore_unknown_options": True},
        tells=True,
    ),
    Command(
        "resurrect",
        "boot:resurrect",
        "Bring back what was saved.",
        _LIFE,
        settings={"ignore_unknown_options": True},
        tells=True,
    ),
    Command(
        "cleardump",
        "boot:cleardump",
        "Forget what was saved; nothing comes back at boot.",
        _LIFE,
        settings={"ignore_unknown_options": True},
        tells=True,
    ),
    Command(
        "startup",
        "boot:startup",
        "Have your apps started at boot.",
        _LIFE,
        settings={"ignore_unknown_options": True},
        tells=True,
    ),
    Command(
        "unstartup",
        "boot:unstartup",
        "Undo startup.",
        _LIFE,
        settings={"ignore_unknown_options": True},
        tells=True,
    ),
    Command(
        "status",
        "status:status",
        "List apps and instances.",
        _LOOK,
        ("list", "ls", "l", "ps"),
        shows_cpu=True,
        bare="listing:print_status",
    ),
    Command(
        "describe",
        "describe:describe",
        "Show everything about an app.",
        _LOOK,
        ("show", "info", "desc"),
        shows_cpu=True,
    ),
    Command(
        "jlist",
        "status:jlist",
        "The list as JSON, in PM2's shape.",
        _LOOK,
        shows_cpu=True,
        bare="listing:print_jlist",
    ),
    Command(
        "prettylist",
        "status:prettylist",
        "The list in PM2's JavaScript notation.",
        _LOOK,
        shows_cpu=True,
    ),
    Command("pid", "status:pid", "Print process ids.", _LOOK),
    Command("id", "status:ids", "Print instance ids.", _LOOK),
    Command("env", "describe:env", "Print an instance's environment.", _LOOK),
    Command("cat", "describe:cat", "Print an app's unit files and drop-ins.", _LOOK),
    Command("which", "describe:which", "Print where an app's unit files and program are.", _LOOK),
    Command("logs", "logs:logs", "Show and follow what apps print.", _LOGS, ("log",)),
    Command(
        "flush",
        "logs:flush",
        "Empty log files; hide older journal lines from logs.",
        _LOGS,
        tells=True,
    ),
    Command("logrotate", "rotation:logrotate", "Rotate the log files of apps.", _LOGS, tells=True),
    Command(
        "journald",
        "journald:journald",
        "Print settings of journald that keep the journal small and lose no lines.",
        _LOGS,
    ),
    Command("set", "rotation:set_", "Change a setting of pm2-logrotate.", _LOGS, tells=True),
    Command("reloadLogs", "logs:reload_logs", "Say which log files are open.", _LOGS, tells=True),
    Command("explain", "reference:explain", "What an option means, in PM2 and here.", _HELP),
    Command("schema", "reference:schema", "Print the JSON Schema of ecosystem files.", _HELP),
    Command(
        "doctor",
        "doctor:doctor",
        "Look for what is wrong with this machine and your apps.",
        _HELP,
    ),
    Command("ping", "report:ping", "Say whether the user manager answers.", _HELP, tells=True),
    Command("report", "report:report", "Print what a bug report needs.", _HELP),
    Command(
        "update",
        "reference:update",
        "Nothing: there is no daemon of another version.",
        _HELP,
        ("updatePM2",),
        tells=True,
    ),
    Command("alias", "alias:alias", "Install pm2 as another name of pm2sd.", _HELP, tells=True),
    Command("version", "reference:version", "Print the versions of pm2sd and systemd.", _HELP),
)

BY_NAME = {name: row for row in COMMANDS for name in (row.name, *row.aliases)}
