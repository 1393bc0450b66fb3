from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pm2sd.errors import CannotCarry, ExitStatus, Pm2sdError
from pm2sd.units.mark import read_mark
from pm2sd.units.model import (
    INSTANCE,
    EnvironmentFile,
    InstanceDropIn,
    Mark,
    Output,
    Service,
    Target,
)
from pm2sd.units.render import FILTERS, TEMPLATES, render

MARK = Mark(app="web", namespace="default", source="/srv/web/ecosystem.yaml", version="0.1.0")
SERVICE = Service(
    name="web@.service",
    mark=MARK,
    description=("web (instance ", INSTANCE, ")"),
    part_of="web.target",
    slice="app-pm2sd-web.slice",
    exec_start=("/usr/bin/node", "/srv/web/app.js", "--greet", 'say "100%"'),
    working_directory="/srv/web",
    environment={"NODE_ENV": "production", "NODE_APP_INSTANCE": (INSTANCE,)},
    success_exit_status=(130, 143),
    syslog_identifier=("web@", INSTANCE),
)
FULL = replace(
    SERVICE,
    type="notify",
    notify_access="all",
    timeout_start=3000,
    exec_start_pre=(("/bin/sh", "-c", "echo $0\nexit 0"), ("/bin/true",)),
    environment_files=("/home/ada/.config/systemd/user/web@.service.d/secrets.env",),
    restart="no",
    restart_sec=100,
    start_limit_burst=16,
    start_limit_interval=17_000,
    restart_prevent_exit_status=(0,),
    kill_signal="SIGTERM",
    kill_mode="process",
    memory_max=314_572_800,
    memory_swap_max=0,
    standard_output=Output("append", ("/var/log/web-", INSTANCE, ".log")),
    standard_error=Output("null"),
    syslog_level="err",
    runtime_directories=(("pm2sd/web@", INSTANCE),),
    runtime_directory_preserve="restart",
)
VERIFY = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def body(text: str) -> str:
    return text.partition("[X-Pm2sd]")[0]


def test_a_service() -> None:
    file = render(SERVICE)
    assert file.path == "web@.service"
    assert (
        body(file.text)
        == """\
# Managed by pm2sd. Edits here are lost; use "systemctl --user edit web@.service" instead.
[Unit]
Description=web (instance %i)
PartOf=web.target
StartLimitIntervalSec=0ms
StartLimitBurst=0

[Service]
Type=exec
Slice=app-pm2sd-web.slice
WorkingDirectory=/srv/web/
Environment="NODE_APP_INSTANCE=%i"
Environment="NODE_ENV=production"
ExecStart=:/usr/bin/node /srv/web/app.js --greet "say \\"100%%\\""

Restart=always
RestartSec=0ms
SuccessExitStatus=130 143

KillSignal=SIGINT
KillMode=control-group
TimeoutStopSec=1600ms

StandardOutput=journal
StandardError=journal
SyslogIdentifier=web@%i
SyslogLevel=info
SyslogLevelPrefix=no

"""
    )


def test_a_service_with_everything() -> None:
    assert (
        body(render(FULL).text)
        == """\
# Managed by pm2sd. Edits here are lost; use "systemctl --user edit web@.service" instead.
[Unit]
Description=web (instance %i)
PartOf=web.target
StartLimitIntervalSec=17000ms
StartLimitBurst=16

[Service]
Type=notify
NotifyAccess=all
Slice=app-pm2sd-web.slice
WorkingDirectory=/srv/web/
Environment="NODE_APP_INSTANCE=%i"
Environment="NODE_ENV=production"
EnvironmentFile=/home/ada/.config/systemd/user/web@.service.d/secrets.env
RuntimeDirectory=pm2sd/web@%i
RuntimeDirectoryPreserve=restart
ExecStartPre=:/bin/sh -c "echo $0\\nexit 0"
ExecStartPre=:/bin/true
ExecStart=:/usr/bin/node /srv/web/app.js --greet "say \\"100%%\\""
TimeoutStartSec=3000ms

Restart=no
RestartSec=100ms
SuccessExitStatus=130 143
RestartPreventExitStatus=0

KillSignal=SIGTERM
KillMode=process
TimeoutStopSec=1600ms
MemoryMax=314572800
MemorySwapMax=0

StandardOutput=append:/var/log/web-%i.log
StandardError=null
SyslogIdentifier=web@%i
SyslogLevel=err
SyslogLevelPrefix=no

"""
    )


def test_growing_delays_of_newer_systemd() -> None:
    text = render(replace(SERVICE, restart_sec=100, restart_steps=12, restart_max_delay=15000)).text
    assert "RestartSec=100ms\nRestartSteps=12\nRestartMaxDelaySec=15000ms\n" in text


def test_a_target() -> None:
    target = Target(
        name=r"\x40a.target",
        mark=MARK,
        description="a",
        wants=(r"\x40a@0.service", r"\x40a@1.service"),
        part_of=("pm2sd-shop.target",),
    )
    assert render(target).path == r"\x40a.target"
    mark, _, rest = body(render(target).text).partition("\n")
    assert mark.endswith(r""" use "systemctl --user edit '\x40a.target'" instead.""")
    assert (
        rest
        == r"""[Unit]
Description=a
PartOf=pm2sd-shop.target
Wants=\x40a@0.service
Wants=\x40a@1.service

[Install]
WantedBy=default.target

"""
    )
    assert "[Install]" not in render(replace(target, wanted_by=())).text


def test_a_drop_in() -> None:
    file = render(InstanceDropIn(service="web@1.service", mark=MARK, environment={"PORT": "3001"}))
    assert file.path == "web@1.service.d/10-pm2sd.conf"
    assert (
        body(file.text)
        == """\
# Managed by pm2sd. Edits here are lost; use "systemctl --user edit web@1.service" instead.
[Service]
Environment="PORT=3001"

"""
    )


def test_an_environment_file() -> None:
    file = render(
        EnvironmentFile(
            service="web@.service", mark=MARK, variables={"TOKEN": "a$b", "KEY": "1\n2"}
        )
    )
    assert file.path == "web@.service.d/secrets.env"
    lines = file.text.splitlines()
    assert lines[0].startswith("# Managed by pm2sd.")
    assert lines[1:5] == ['KEY="1', '2"', 'TOKEN="a\\$b"', ""]
    assert all(line.startswith("# ") for line in lines[5:])


def test_the_section_ends_the_file() -> None:
    text = render(replace(SERVICE, mark=replace(MARK, app="ü", record={"Ids": "[0]"}))).text
    assert re.fullmatch(
        r"""\[X-Pm2sd\]
App="\\u00fc"
Namespace="default"
Source="/srv/web/ecosystem.yaml"
Version="0.1.0"
Ids=\[0\]
Hash=[0-9a-f]{64}
""",
        text[text.index("[X-Pm2sd]") :],
    )


def test_equal_units_have_equal_files_whatever_their_order() -> None:
    environment = {"a": "1", "A": "2", "b": "3"}
    backwards = dict(reversed(environment.items()))
    one = render(replace(SERVICE, environment=environment))
    assert one == render(replace(SERVICE, environment=backwards))


def test_what_nothing_can_carry_is_refused() -> None:
    with pytest.raises(CannotCarry, match="argument 1"):
        render(replace(SERVICE, exec_start=("/bin/a", "\0")))
    with pytest.raises(CannotCarry, match=r"the line ExecStart= of web@\.service"):
        render(replace(SERVICE, exec_start=("/bin/a", *["x" * 100_000] * 11)))


def test_a_stop_without_patience_is_no_stop_without_end() -> None:
    assert "TimeoutStopSec=1ms\n" in render(replace(SERVICE, timeout_stop=0)).text


@pytest.fixture
def overrides(tmp_path: Path) -> Path:
    return tmp_path


def test_users_override_single_templates(overrides: Path) -> None:
    ours = next(path for folder in TEMPLATES if (path := folder / "service.j2").exists())
    changed = ours.read_text().replace("KillSignal=", "Nice=5\nKillSignal=")
    (overrides / "service.j2").write_text(changed)
    text = render(SERVICE, overrides).text
    assert "\nNice=5\nKillSignal=SIGINT\n" in text
    mark = read_mark(text)
    assert mark is not None
    assert mark.intact
    assert "Nice" not in render(SERVICE).text
    assert (
        "Nice"
        not in render(Target(name="a.target", mark=MARK, description="", wants=()), overrides).text
    )


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("[Service]\nType={{ type }}\n", 2, "this str is written without a filter"),
        ("{{ timeout_stop }}", 1, "this int is written without a filter"),
        ("a\n{{ type|word ~ 'x' }}", 2, "this str is written without a filter"),
        ("\n\n{{ typ|word }}", 3, "'typ' is undefined"),
        ("{{ mark.none|word }}", 1, "has no attribute 'none'"),
        ("\n{{ description|span }}", 2, "cannot write this tuple"),
        ("\n{{ description|unit }}", 2, "cannot write this tuple"),
        ("{{ exec_start[9]|word }}", 1, "has no element 9"),
        ("\n{{ 1 // 0 }}", 2, "by zero"),
        ("\n{% if %}", 2, "Expected"),
        ("{{ type|wrod }}", 1, "No filter named 'wrod'"),
    ],
)
def test_templates_that_fail_are_reported_with_their_place(
    overrides: Path, template: str, line: int, message: str
) -> None:
    (overrides / "service.j2").write_text(template)
    with pytest.raises(Pm2sdError, match=re.escape(message)) as caught:
        render(SERVICE, overrides)
    assert caught.value.code is ExitStatus.INVALID_CONFIG
    assert caught.value.where is not None
    assert caught.value.where.file == str(overrides / "service.j2")
    assert caught.value.where.line == line


def test_every_filter_is_used_by_a_template() -> None:
    folder = next(folder for folder in TEMPLATES if folder.is_dir())
    text = "".join(path.read_text() for path in folder.glob("*.j2"))
    assert set(re.findall(r"\|(\w+)", text)) == set(FILTERS)


@VERIFY
def test_systemd_finds_nothing_to_say(tmp_path: Path) -> None:
    units = tmp_path / "units"
    units.mkdir()
    odd = replace(
        FULL,
        name="odd@.service",
        exec_start=("/usr/bin/env", "a\n%\"\\'$x", "", ";"),
        exec_start_pre=(),
        environment={"A": "\n%\"\\'$x é", "a.b": "\udcff"},
        working_directory="/tmp/\n",
    )
    target = Target(name="web.target", mark=MARK, description="web", wants=("web@0.service",))
    full = replace(FULL, exec_start=("/usr/bin/env", "x"), working_directory="/tmp")
    for unit in (full, odd, target):
        file = render(unit)
        (units / file.path).write_text(file.text)
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", *sorted(units.iterdir())],
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
            "SYSTEMD_UNIT_PATH": f"{units}:",
        },
    )
    assert (done.returncode, done.stderr) == (0, "")
