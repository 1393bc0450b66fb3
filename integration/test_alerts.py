"""on_failure as a webhook, and alerts: real crashes, a real HTTP server, real timers."""

from __future__ import annotations

import marshal
import os
import signal
import sys
from pathlib import Path

from integration.harness import Pm2sd, Project, eventually, properties, run, systemctl
from integration.hook import hook
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import user_runtime_directory
from pm2sd.units.names import unit_name

WITHIN = 60.0

CRASHES = """\
import sys
print("last words", flush=True)
print("and an error", file=sys.stderr, flush=True)
sys.exit(3)
"""
ALLOCATES = """\
import signal, sys
held = []
signal.signal(signal.SIGUSR1, lambda *_: held.append(b"x" * (64 << 20)))
signal.signal(signal.SIGUSR2, lambda *_: held.clear())
print("ready", flush=True)
while True: signal.pause()
"""


def python(project: Project, name: str, code: str, **options: object) -> dict[str, object]:
    script = project.write(f"{name}.py", code)
    return {
        "name": project.name(name),
        "script": str(script),
        "interpreter": sys.executable,
        **options,
    }


def applied(pm2sd: Pm2sd, project: Project, app: dict[str, object]) -> str:
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status in (ExitStatus.OK, ExitStatus.FAILED), result
    return str(app["name"])


def look(name: str) -> None:
    """One round of the alerts, as their timer starts it."""
    systemctl("start", f"{name}:alerts.service")


def crash(name: str) -> None:
    before = int(properties(f"{name}@0.service", "NRestarts")["NRestarts"])
    systemctl("kill", "--signal=KILL", f"{name}@0.service")
    eventually(
        lambda: (
            int(properties(f"{name}@0.service", "NRestarts")["NRestarts"]) > before
            and properties(f"{name}@0.service", "ActiveState")["ActiveState"] == "active"
        )
    )


def logged(name: str, what: str) -> list[str]:
    return run(
        "journalctl", "--user", "--output=cat", "--quiet", f"SYSLOG_IDENTIFIER={name}:{what}"
    ).stdout.splitlines()


def test_a_webhook_is_told_how_an_app_ended(pm2sd: Pm2sd, project: Project) -> None:
    log = project.path / "error.log"
    with hook(503) as kept:
        told = {"url": kept.url, "headers": {"Authorization": 'Bearer "a %b"'}}
        # A start of less than min_uptime counts; a busy machine may take a second to one.
        given_up = {"max_restarts": 2, "min_uptime": "10s", "error_file": str(log)}
        app = python(project, "dies", CRASHES, on_failure=told, **given_up)
        name = applied(pm2sd, project, app)
        eventually(lambda: len(kept.bodies) == 2, WITHIN)
    body = kept.bodies[1]
    assert body == kept.bodies[0], "a server in trouble is asked again"
    assert {key: body[key] for key in ("event", "app", "instance", "unit")} == {
        "event": "failed",
        "app": name,
        "instance": 0,
        "unit": f"{name}@0.service",
    }
    assert (body["result"], body["exit_code"], body["signal"]) == ("exit-code", 3, None)
    assert body["host"] == os.uname().nodename
    assert body["lines"] == ["last words", "last words", "and an error", "and an error"]
    assert body["text"].startswith(f"{name}@0 has failed and is not started again: it exited")
    assert kept.headers[1]["Authorization"] == 'Bearer "a %b"'
    assert kept.headers[1]["Content-Type"] == "application/json"


def test_an_app_killed_by_a_signal_says_which(pm2sd: Pm2sd, project: Project) -> None:
    with hook() as kept:
        app = python(project, "killed", ALLOCATES, autorestart=False, on_failure=kept.url)
        name = applied(pm2sd, project, app)
        systemctl("kill", "--signal=SEGV", f"{name}@0.service")
        eventually(lambda: kept.bodies, WITHIN)
    assert (kept.bodies[0]["exit_code"], kept.bodies[0]["signal"]) == (None, "SIGSEGV")


def test_a_webhook_that_refuses_is_said_without_its_secret(pm2sd: Pm2sd, project: Project) -> None:
    with hook(404) as kept:
        given_up = {"max_restarts": 1, "min_uptime": "10s"}
        app = python(project, "refused", CRASHES, on_failure=kept.url, **given_up)
        name = applied(pm2sd, project, app)
        handler = f"{name}:failed@0.service"
        eventually(lambda: properties(handler, "Result")["Result"] == "exit-code", WITHIN)
        assert len(kept.bodies) == 1, "it is not asked again"
    eventually(lambda: any("it answered 404" in line for line in logged(name, "failed")))
    assert "s3cret" not in "".join(logged(name, "failed"))
    shown = pm2sd("logs", name, "--nostream").stdout
    assert f"could not tell http://127.0.0.1:{kept.port}: it answered 404" in shown


def test_many_restarts_are_told_once(pm2sd: Pm2sd, project: Project) -> None:
    with hook() as kept:
        app = python(
            project,
            "flaps",
            ALLOCATES,
            max_restarts=50,
            on_failure=kept.url,
            alerts={"restarts": "2/1h"},
        )
        name = applied(pm2sd, project, app)
        look(name)
        crash(name)
        look(name)
        assert kept.bodies == []
        crash(name)
        for _ in range(3):
            look(name)
    (body,) = kept.bodies
    assert (body["event"], body["app"]) == ("restarts", name)
    assert body["text"].startswith(f"{name}@0 restarted 2 times in the last 1h")
    eventually(lambda: "restarted 2 times" in pm2sd("logs", name, "--nostream").stdout)


def test_memory_is_told_and_that_it_is_well_again(pm2sd: Pm2sd, project: Project) -> None:
    said = project.path / "said"
    app = python(
        project,
        "grows",
        ALLOCATES,
        max_memory_restart="100M",
        alerts={"memory": "60%", "notify": f'echo "$PM2SD_EVENT $PM2SD_INSTANCE" >>{said}'},
    )
    name = applied(pm2sd, project, app)
    eventually(lambda: "ready" in pm2sd("logs", name, "--nostream", "--raw").stdout)

    def told(number: signal.Signals, text: str) -> None:
        systemctl("kill", f"--signal={number.name}", f"{name}@0.service")

        def heard() -> bool:
            look(name)
            return said.exists() and said.read_text() == text

        eventually(heard, WITHIN)

    look(name)
    assert not said.exists()
    told(signal.SIGUSR1, "memory 0\n")
    told(signal.SIGUSR2, "memory 0\nrecovered 0\n")


def test_an_app_that_is_down_is_told_by_the_timer_and_when_it_is_up(
    pm2sd: Pm2sd, project: Project
) -> None:
    flag = project.path / "well"
    code = f"import os, signal, sys\nos.path.exists({str(flag)!r}) or sys.exit(1)\nsignal.pause()\n"
    with hook() as kept:
        app = python(
            project,
            "down",
            code,
            autorestart=False,
            alerts={"down": "10s", "notify": {"url": kept.url}},
        )
        name = applied(pm2sd, project, app)
        eventually(lambda: kept.bodies, WITHIN)
        assert kept.bodies[0]["event"] == "down"
        assert kept.bodies[0]["exit_code"] == 1
        flag.touch()
        assert pm2sd("start", name).exit_status == ExitStatus.OK
        eventually(lambda: len(kept.bodies) > 1, WITHIN)
    assert [(one["event"], one["of"]) for one in kept.bodies] == [
        ("down", "down"),
        ("recovered", "down"),
    ]


def test_alerts_go_with_the_app(pm2sd: Pm2sd, project: Project) -> None:
    script = project.write("goes.py", ALLOCATES)
    name = project.name("go/es")
    app = {"name": name, "script": str(script), "interpreter": sys.executable}
    applied(pm2sd, project, {**app, "alerts": {"down": "2m"}})
    unit = unit_name(name)
    timer = f"{unit}:alerts.timer"
    assert properties(timer, "ActiveState") == {"ActiveState": "active"}
    look(unit)
    remembered = Path(user_runtime_directory(), "pm2sd/alerts", unit)
    assert list(marshal.loads(remembered.read_bytes())) == [f"{unit}@0.service"]
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert properties(timer, "ActiveState") == {"ActiveState": "inactive"}
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    assert properties(timer, "LoadState") == {"LoadState": "not-found"}
    assert not remembered.exists()
