"""Units know their systemd: no directive is newer than the version that they are made for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.errors import Pm2sdError
from pm2sd.translate.on_failure import ENDING_SINCE
from pm2sd.translate.translation import translate
from pm2sd.translate.versions import MINIMUM, refuse_too_old

TEMPLATES = Path(__file__).parents[2] / "unit_templates"
GOLDEN = Path(__file__).parents[1] / "golden"

# systemd's NEWS; whatever is not here is older than 240.
SINCE = {
    "RestrictSUIDSGID": 242,
    "ProtectHostname": 242,
    "OOMPolicy": 243,
    "ProtectKernelLogs": 244,
    "ProtectClock": 245,
    "OpenFile": 253,
    "RestartSteps": 254,
    "RestartMaxDelaySec": 254,
}

# What the templates and goldens have beside them.
OLDER = set(
    re.findall(
        r"\w+",
        """
    AccuracySec After Backlog BindsTo CPUQuota CapabilityBoundingSet Description Documentation
    Environment EnvironmentFile ExecStart ExecStartPost ExecStartPre FileDescriptorName IOWeight
    KillMode KillSignal LimitNOFILE ListenStream LockPersonality LogLevelMax MemoryMax
    MemorySwapMax Nice NoNewPrivileges NonBlocking NotifyAccess OnActiveSec OnCalendar OnFailure
    OnUnitActiveSec OnUnitInactiveSec PartOf Persistent PrivateDevices PrivateTmp PrivateUsers
    ProtectKernelModules ProtectSystem ReadWritePaths RemainAfterExit RemoveOnStop Requires Restart
    RestartForceExitStatus RestartPreventExitStatus RestartSec RestrictAddressFamilies
    RestrictNamespaces RestrictRealtime ReusePort RuntimeDirectory RuntimeDirectoryPreserve Service
    Slice Sockets StandardError StandardOutput StartLimitBurst StartLimitIntervalSec
    SuccessExitStatus SyslogIdentifier SyslogLevel SyslogLevelPrefix SystemCallArchitectures
    SystemCallErrorNumber SystemCallFilter TasksMax TimeoutStartSec TimeoutStopSec Type Unit
    WatchdogSec WatchdogSignal
    Group User WantedBy Wants WorkingDirectory
    """,
    )
)


def directives(text: str) -> set[str]:
    return set(re.findall(r"^([A-Z][A-Za-z]+)=", text, re.MULTILINE))


def test_every_directive_of_the_templates_is_known_here() -> None:
    found = {key for path in TEMPLATES.glob("*.j2") for key in directives(path.read_text())}
    assert found
    assert found <= OLDER | set(SINCE)


@pytest.mark.parametrize(("like", "version"), [(252, MINIMUM), (257, 254)])
def test_no_directive_is_newer_than_the_version(like: int, version: int) -> None:
    """Golden cases say that the units of ``version`` are those of ``like``."""
    files = [path for path in GOLDEN.glob(f"*/expected-{like}/**/*") if path.is_file()]
    found = {key for path in files for key in directives(path.read_text())}
    assert "ProtectClock" in found
    assert found <= OLDER | {key for key, since in SINCE.items() if since <= version}


def test_an_older_systemd_is_refused_with_the_version_that_will_do() -> None:
    refuse_too_old(MINIMUM)
    with pytest.raises(Pm2sdError, match=f"systemd {MINIMUM - 1} is too old") as caught:
        refuse_too_old(MINIMUM - 1)
    assert str(MINIMUM) in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("teller", "lacks"),
    [
        ({"on_failure": ("mail", "ann")}, "the command gets no MONITOR_ variables"),
        ({"webhook": {"url": "http://localhost/"}}, "the webhook does not say how"),
    ],
)
def test_what_a_handler_is_not_told_by_an_older_systemd_is_noted(
    teller: dict[str, Any], lacks: str
) -> None:
    app = App(name="web", script="a.sh", command=("/a.sh",), cwd="/", **teller)
    notes = {
        version: translate(
            app, systemd=version, unit_directory="/", manager_directory="/run", ids=[0]
        ).notes
        for version in (ENDING_SINCE - 1, ENDING_SINCE)
    }
    (note,) = notes[ENDING_SINCE - 1]
    assert note.option == "on_failure"
    assert note.text.startswith(lacks)
    assert notes[ENDING_SINCE] == ()
