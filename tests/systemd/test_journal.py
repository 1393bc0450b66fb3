"""What is asked of journalctl, and what its answers mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.systemd import journal
from pm2sd.systemd.clock import Moment
from pm2sd.systemd.exits import Exit, Message, told_by
from pm2sd.systemd.journal import Entry, Query, arguments, entries
from tests.systemd.namespace import in_namespace

UID = f"_UID={os.getuid()}"


def matches(query: Query) -> list[str]:
    return [term for term in arguments(query) if not term.startswith("--")]


def test_identifiers_and_units_are_alternatives() -> None:
    query = Query(
        identifiers=("web@0", "web@1"),
        priorities=(3,),
        units=("web@0.service",),
        message_ids=("abc",),
    )
    assert matches(query) == [
        *(UID, "PRIORITY=3", "SYSLOG_IDENTIFIER=web@0", "SYSLOG_IDENTIFIER=web@1"),
        "+",
        *(UID, "MESSAGE_ID=abc", "USER_UNIT=web@0.service"),
    ]
    assert matches(Query()) == [UID]
    assert matches(Query(units=("a.service",))) == [UID, "USER_UNIT=a.service"]


@pytest.mark.parametrize(
    ("query", "present"),
    [
        (Query(lines=5), {"--lines=5"}),
        (Query(follow=True), {"--follow", "--lines=0"}),
        (Query(follow=True, lines=3), {"--follow", "--lines=3"}),
        (Query(follow=True, since="today"), {"--follow", "--no-tail", "--since=today"}),
        (Query(until="-1h", grep="-x"), {"--until=-1h", "--grep=-x"}),
        (Query(grep=""), {"--grep="}),
    ],
)
def test_options(query: Query, present: set[str]) -> None:
    changing = ("--lines", "--follow", "--no-tail", "--since", "--until", "--grep")
    assert {option for option in arguments(query) if option.startswith(changing)} == present


def fields(**raw: object) -> Entry:
    when = {"__REALTIME_TIMESTAMP": "1795250577936631", "__MONOTONIC_TIMESTAMP": "7"}
    return journal.parse({**when, "_BOOT_ID": "b0", **raw})


def test_messages_in_every_form_json_gives_them() -> None:
    assert fields(MESSAGE="ünï").message == "ünï"
    assert fields(MESSAGE=[97, 27, 91, 255]).message == "a\x1b[\ufffd"
    assert fields(MESSAGE=["first", "last"]).message == "last"
    assert fields(MESSAGE=[[97], [98]]).message == "b"
    assert fields(MESSAGE=None).message == ""
    assert fields(MESSAGE=[]).message == ""
    assert fields().message == ""


def test_the_other_fields() -> None:
    entry = fields(
        MESSAGE="Main process exited",
        PRIORITY="0",
        SYSLOG_IDENTIFIER="systemd",
        USER_UNIT="web@0.service",
        _SYSTEMD_USER_UNIT="init.scope",
        _PID="12",
        EXIT_CODE="exited",
    )
    assert (entry.priority, entry.identifier, entry.pid) == (0, "systemd", 12)
    assert entry.unit == "web@0.service"
    assert entry.when == (1795250577936631, 7, "b0")
    assert entry.fields["EXIT_CODE"] == "exited"
    bare = fields(_SYSTEMD_USER_UNIT="web@0.service")
    assert (bare.priority, bare.pid, bare.unit) == (6, None, "web@0.service")


def test_without_journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Pm2sdError, match="journalctl is not installed"):
        list(entries(Query()))


@pytest.mark.parametrize("query", [Query(since="the day before"), Query(grep="(")])
def test_what_journalctl_does_not_understand_is_a_usage_error(query: Query) -> None:
    with pytest.raises(Pm2sdError) as caught:
        list(entries(query))
    assert caught.value.code is ExitStatus.USAGE


def test_where_nothing_logs_there_is_no_journal() -> None:
    script = (
        "from pm2sd.errors import Pm2sdError\n"
        "from pm2sd.systemd.journal import Query, entries\n"
        "try: list(entries(Query()))\n"
        "except Pm2sdError as error: print(error.message, '|', error.hint)\n"
    )
    said = in_namespace("mount -t tmpfs none /run; mount -t tmpfs none /var/log", script)
    assert "no journal to read" in said
    assert "Storage=persistent" in said


def log(*told: str) -> Iterator[Entry]:
    """Entries from words: a message's name, then FIELD=VALUE words; the time counts them."""
    for usec, words in enumerate(told):
        name, *pairs = words.split()
        values = dict(pair.split("=") for pair in pairs)
        yield Entry(
            when=Moment(usec, usec, "b0"),
            identifier="systemd",
            priority=6,
            message="",
            pid=1,
            unit="web@0.service",
            fields={"MESSAGE_ID": Message[name], **values},
        )


CRASH = "PROCESS_EXIT EXIT_CODE=exited EXIT_STATUS=3"
UNREADY = "PROCESS_EXIT EXIT_CODE=exited EXIT_STATUS=124 COMMAND=ExecStartPost"
KILL = "PROCESS_EXIT EXIT_CODE=killed EXIT_STATUS=9"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), None),
        (("STARTING", "STARTED"), None),
        (
            ("STARTED", CRASH, "FAILURE_RESULT UNIT_RESULT=exit-code"),
            Exit(code="exited", status=3, result="exit-code", realtime_usec=1),
        ),
        (
            (CRASH, "FAILURE_RESULT UNIT_RESULT=exit-code", "RESTART_SCHEDULED", "STARTED"),
            Exit(code="exited", status=3, result="exit-code", realtime_usec=0),
        ),
        (
            (CRASH, "RESTART_SCHEDULED", "STARTING", "STARTED", "RESTART_SCHEDULED", "STARTING"),
            Exit(realtime_usec=4),
        ),
        (
            ("OUT_OF_MEMORY", KILL, "FAILURE_RESULT UNIT_RESULT=oom-kill"),
            Exit(code="killed", status=9, result="oom-kill", realtime_usec=0),
        ),
        (
            (KILL, "OUT_OF_MEMORY"),
            Exit(code="killed", status=9, result="oom-kill", realtime_usec=0),
        ),
        ((KILL,), Exit(code="killed", status=9, result="signal", realtime_usec=0)),
        (
            ("UNHEALTHY", KILL, "FAILURE_RESULT UNIT_RESULT=signal", "STARTED"),
            Exit(code="killed", status=9, result="unhealthy", realtime_usec=0),
        ),
        (
            ("STARTING", UNREADY, KILL, "FAILURE_RESULT UNIT_RESULT=exit-code"),
            Exit(code="killed", status=9, result="unready", realtime_usec=1),
        ),
        (
            ("STARTING", CRASH, f"{CRASH} COMMAND=ExecStartPost", "RESTART_SCHEDULED"),
            Exit(code="exited", status=3, result="exit-code", realtime_usec=1),
        ),
        (("STARTED", "STOPPING"), Exit(requested=True, realtime_usec=1)),
        (("STARTED", "SUCCESS"), Exit(realtime_usec=1)),
        (("STARTED", "STOPPING", "SUCCESS"), Exit(requested=True, realtime_usec=1)),
        (
            ("STOPPING", KILL, "FAILURE_RESULT UNIT_RESULT=timeout", "STARTED"),
            Exit(code="killed", status=9, result="timeout", requested=True, realtime_usec=0),
        ),
        (
            ("FAILURE_RESULT UNIT_RESULT=start-limit-hit",),
            Exit(result="start-limit-hit", realtime_usec=0),
        ),
    ],
)
def test_how_a_unit_ended(told: tuple[str, ...], expected: Exit | None) -> None:
    assert told_by(log(*told)) == expected
