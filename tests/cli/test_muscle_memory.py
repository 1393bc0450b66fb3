"""Every command and flag of PM2's is known, if only to say what to use instead."""

from __future__ import annotations

from typing import Any

import pytest

from pm2sd.__main__ import main
from pm2sd.cli.anywhere import ANYWHERE, Effect
from pm2sd.cli.commands import BY_NAME
from pm2sd.cli.elsewhere import ELSEWHERE
from pm2sd.cli.main import LazyGroup
from pm2sd.cli.parsing import arranged
from pm2sd.ecosystem.options import FLAGS
from pm2sd.errors import ExitStatus, Pm2sdError

# `pm2 --help` and bin/pm2 of version 7.0.4, aliases included.
COMMANDS = [
    "start",
    "trigger",
    "deploy",
    "startOrRestart",
    "startOrReload",
    "startOrGracefulReload",
    "stop",
    "restart",
    "scale",
    "profile:mem",
    "profile:cpu",
    "reload",
    "id",
    "inspect",
    "delete",
    "del",
    "sendSignal",
    "ping",
    "updatePM2",
    "update",
    "install",
    "module:install",
    "module:update",
    "module:generate",
    "uninstall",
    "module:uninstall",
    "package",
    "publish",
    "module:publish",
    "set",
    "multiset",
    "get",
    "conf",
    "config",
    "unset",
    "report",
    "link",
    "unlink",
    "unmonitor",
    "monitor",
    "open",
    "plus",
    "register",
    "login",
    "logout",
    "save",
    "dump",
    "send",
    "attach",
    "startup",
    "logrotate",
    "ecosystem",
    "init",
    "reset",
    "describe",
    "desc",
    "info",
    "show",
    "env",
    "list",
    "ls",
    "l",
    "ps",
    "status",
    "jlist",
    "slist",
    "sysinfos",
    "prettylist",
    "monit",
    "imonit",
    "dashboard",
    "dash",
    "flush",
    "reloadLogs",
    "logs",
    "kill",
    "pull",
    "forward",
    "backward",
    "deepUpdate",
    "autoinstall",
    "examples",
    "pid",
    "create",
    "completion",
    "install-otel",
    "uninstall-otel",
]

FLAGS_OF_ALL = [
    "--silent",
    "-s",
    "--ext",
    "--name",
    "-n",
    "--mini-list",
    "-m",
    "--interpreter",
    "--interpreter-args",
    "--node-args",
    "--output",
    "-o",
    "--error",
    "-e",
    "--log",
    "-l",
    "--filter-env",
    "--log-type",
    "--log-date-format",
    "--time",
    "--disable-logs",
    "--env",
    "--update-env",
    "-a",
    "--force",
    "-f",
    "--instances",
    "-i",
    "--parallel",
    "--shutdown-with-message",
    "--pid",
    "-p",
    "--kill-timeout",
    "-k",
    "--listen-timeout",
    "--max-memory-restart",
    "--restart-delay",
    "--exp-backoff-restart-delay",
    "--execute-command",
    "-x",
    "--max-restarts",
    "--uid",
    "--gid",
    "--namespace",
    "--cwd",
    "--cron",
    "--cron-restart",
    "-c",
    "--write",
    "-w",
    "--no-daemon",
    "--source-map-support",
    "--disable-source-map-support",
    "--only",
    "--wait-ready",
    "--merge-logs",
    "--watch",
    "--ignore-watch",
    "--watch-delay",
    "--no-color",
    "--no-vizion",
    "--no-autostart",
    "--no-autorestart",
    "--stop-exit-codes",
    "--no-treekill",
    "--no-pmx",
    "--no-automation",
    "--trace",
    "--disable-trace",
    "--sort",
    "--attach",
    "--v8",
    "--event-loop-inspector",
    "--deep-monitoring",
]

VERBS = ("is", "has", "keeps", "does", "shows", "builds", "disturbs")  # pm2sd ...

FLAGS_OF_STARTUP = ["-u", "--user", "--hp", "--service-name", "--wait-ip"]


def parser(command: str) -> Any:
    return LazyGroup().get_command(None, command)


def parse(command: str, *words: str) -> dict[str, Any]:
    context = parser(command).make_context(command, list(words))
    parameters: dict[str, Any] = context.params
    return parameters


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_here_or_elsewhere(command: str) -> None:
    assert (command in BY_NAME) != (command in ELSEWHERE)


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_a_command_that_is_elsewhere_says_so_in_one_line_and_fails(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "a", "--b", "-c", "--", "d"]) == ExitStatus.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"error: no {command} here: {ELSEWHERE[command]}\n"


def test_no_sentence_names_a_command_that_does_not_exist() -> None:
    texts = [*ELSEWHERE.values(), *(row.text for rows in ANYWHERE.values() for row in rows)]
    named = [
        words[at + 1].strip(".,;:")
        for words in map(str.split, texts)
        for at, word in enumerate(words[:-1])
        if word == "pm2sd" and words[at + 1] not in VERBS
    ]
    assert named
    assert set(named) - {"COMMAND", "--help", "pm2sd"} <= set(BY_NAME)


@pytest.mark.parametrize("flag", FLAGS_OF_ALL)
@pytest.mark.parametrize("command", ["start", "restart", "reload"])
def test_every_flag_is_known_or_refused_with_a_reason(command: str, flag: str) -> None:
    rows = ANYWHERE.get(flag, ())
    if flag not in FLAGS and any(row.effect is Effect.REFUSED for row in rows):
        with pytest.raises(Pm2sdError, match=f"^{flag}: ") as refused:
            parse(command, "app", flag, "1")
        assert refused.value.code is ExitStatus.USAGE
    else:
        assert parse(command, "app", flag, "1")


@pytest.mark.parametrize("flag", FLAGS_OF_STARTUP)
def test_the_flags_of_startup_are_taken(flag: str) -> None:
    assert parse("startup", "systemd", flag, "x")["arguments"]


@pytest.mark.parametrize("command", ["status", "stop", "logs", "delete", "jlist", "describe"])
@pytest.mark.parametrize(
    "flag", ["--no-color", "-s", "--silent", "--mini-list", "--update-env", "-f"]
)
def test_flags_taken_anywhere_disturb_no_command(
    command: str, flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pm2sd.cli import output

    monkeypatch.setattr(output, "_silent", False)
    monkeypatch.setattr(output, "_results", True)
    monkeypatch.setattr(output, "colourless", False)
    words = [] if command == "jlist" else ["app"]
    assert "app" in str(parse(command, *words, flag)) or command == "jlist"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-s", "start", "x"], ["start", "-s", "x"]),
        (["--name", "x", "start", "a.js"], ["start", "--name", "x", "a.js"]),
        (["-i", "max", "-f", "start", "a.js"], ["start", "-i", "max", "-f", "a.js"]),
        (["--env", "production", "start"], ["start", "--env", "production"]),
        (["--name=x", "start", "a.js"], ["start", "--name=x", "a.js"]),
        (["--watch", "start", "a.js"], ["start", "--watch", "a.js"]),
        (["--sort", "cpu", "ls"], ["ls", "--sort", "cpu"]),
        (["start", "a.js", "--", "-s"], ["start", "a.js", "--", "-s"]),
        (["--version"], ["--version"]),
        (["-h", "ls"], ["-h", "ls"]),
        (["help"], ["--help"]),
        (["--no-color", "help", "start"], ["start", "--help"]),
        ([], []),
    ],
)
def test_flags_may_stand_before_the_command(words: list[str], expected: list[str]) -> None:
    assert arranged(words) == expected


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["start", "x", "--nmae", "y"], "did you mean --name?"),
        (["status", "--jsn"], "did you mean --json?"),
        (["stop", "x", "--only-app", "y"], "pm2sd stop --help shows the flags there are"),
        (["stop", "x", "--kill-timeout", "3"], "kill_timeout is an option of an app: start,"),
        (["logs", "--nostrem"], "did you mean --nostream?"),
        (["apply", "--dryrun"], "did you mean --dry-run?"),
        (["lsit"], "did you mean 'list'?"),
        (["moint"], "did you mean 'monit'?"),
        (["quux"], "pm2sd --help lists the commands"),
    ],
)  # fmt: skip
def test_a_slip_of_a_name_is_told_with_the_nearest(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitStatus.USAGE
    assert f"hint: {hint}" in capsys.readouterr().err


def test_a_value_is_not_taken_for_a_flag() -> None:
    parameters = parse("start", "a.js", "--node-args", "-s", "--name", "--silent")
    assert "-s" in parameters.values()
    assert "--silent" in parameters.values()


def test_what_follows_the_dashes_is_the_scripts() -> None:
    assert parse("start", "a.js", "--", "--no-daemon", "-s")["targets"] == ("a.js",)


def test_flags_of_the_table_and_of_everywhere_do_not_contradict() -> None:
    """Where start takes a flag itself, no row may refuse it for every command."""
    for flag in ANYWHERE.keys() & FLAGS.keys():
        assert all(row.commands or row.effect.name == "REMARK" for row in ANYWHERE[flag])
