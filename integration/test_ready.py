"""``ready``: a start counts once the instance itself says or shows that it serves."""

from __future__ import annotations

import time
from typing import Any

import pytest

from integration.clients import Load
from integration.harness import Pm2sd, Project, Result, eventually, free_port, properties, systemctl
from integration.test_socket import pid, unit
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory

COLD = 600
"""Milliseconds for which the apps are not ready."""


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> Result:
    app = {"name": project.name("web"), "script": project.script("hangs.js"), **options}
    return pm2sd("apply", project.ecosystem([app]))


def started_after(name: str) -> float:
    """Milliseconds from the start of an instance's process until it counted as started."""
    found = properties(name, "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    began, active = (int(text) for text in found.values())
    return (active - began) / 1000


@pytest.mark.parametrize(
    "options",
    [
        {"ready": "/health"},
        {"ready": {"http": "/health"}, "exec_mode": "cluster", "instances": 2},
        {"ready": {"http": "/health"}, "instances": 2, "increment_var": "PORT"},
        {"ready": "/", "script": "web.py", "hardening": "strict"},
    ],
)
def test_it_is_starting_until_it_answers(
    pm2sd: Pm2sd, project: Project, options: dict[str, Any]
) -> None:
    is_python = options.get("script") == "web.py"
    env = {"PORT": free_port(), "COLD": COLD / 1000 if is_python else COLD}
    if is_python:
        options = {**options, "script": project.script("web.py")}
    done = apply(pm2sd, project, listen_timeout=60_000, env=env, **options)
    assert done.exit_status == ExitStatus.OK, done
    for number in range(options.get("instances", 1)):
        assert started_after(unit(project, number)) > COLD


@pytest.mark.parametrize("listen", ["port", "path"])
def test_what_another_instance_answers_does_not_count(
    pm2sd: Pm2sd, project: Project, listen: str
) -> None:
    """All instances share the socket; a new one is ready only when it takes connections itself."""
    options: dict[str, Any] = {
        "script": project.script("web.py"),
        "listen": free_port() if listen == "port" else str(project.path / "web.sock"),
        "instances": 3,
        "ready": {"http": "/"},
        "listen_timeout": 60_000,
    }
    assert apply(pm2sd, project, **options).exit_status == ExitStatus.OK
    before = [pid(project, number) for number in range(3)]
    name = unit(project, 2)
    # From the next start on this one instance is slow.
    drop_in = unit_directory() / f"{name}.d" / "slow.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(f"[Service]\nEnvironment=COLD={COLD / 1000}\n")
    systemctl("daemon-reload")
    assert systemctl("restart", name).exit_status == 0
    assert started_after(name) > COLD
    assert [pid(project, number) for number in range(2)] == before[:2]


@pytest.mark.parametrize("files", [{}, {"out_file": "out.log"}])
def test_a_line_of_the_log(pm2sd: Pm2sd, project: Project, files: dict[str, str]) -> None:
    script = project.write(
        "app.js",
        f"console.log('get ready'); setTimeout(() => console.log('ready now'), {COLD});\n"
        "setInterval(() => {}, 1000);\n",
    )
    options = {"script": str(script), "ready": {"log": "^ready"}, "listen_timeout": 60_000, **files}
    assert apply(pm2sd, project, **options).exit_status == ExitStatus.OK
    assert started_after(unit(project, 0)) > COLD
    # What an earlier run printed does not count.
    assert pm2sd("restart", project.name("web")).exit_status == ExitStatus.OK
    assert started_after(unit(project, 0)) > COLD
    eventually(lambda: "journalctl" not in systemctl("status", unit(project, 0)).stdout)


def test_not_in_time_is_a_failure_with_the_reason(pm2sd: Pm2sd, project: Project) -> None:
    env = {"PORT": free_port(), "COLD": 60_000}
    options = {"ready": "/health", "listen_timeout": 8000, "autorestart": False}
    done = apply(pm2sd, project, env=env, **options)
    assert done.exit_status == ExitStatus.FAILED
    assert "was not ready within listen_timeout" in done.stderr
    assert "| listening" in done.stderr
    assert "not ready within 8 s: GET http://localhost/health: status 503" in done.stderr
    described = pm2sd("describe", project.name("web")).stdout
    assert "was not ready within listen_timeout" in described


def test_the_wait_ends_with_the_process(pm2sd: Pm2sd, project: Project) -> None:
    script = project.write("app.js", "setTimeout(() => process.exit(7), 300);")
    options = {"ready": "/health", "listen_timeout": 60_000, "autorestart": False}
    begin = time.monotonic()
    done = apply(pm2sd, project, script=str(script), env={"PORT": free_port()}, **options)
    assert done.exit_status == ExitStatus.FAILED
    assert "exited with code 7" in done.stderr
    assert time.monotonic() - begin < 50


def test_what_depends_on_it_waits_for_it(pm2sd: Pm2sd, project: Project) -> None:
    env = {"PORT": free_port(), "COLD": COLD}
    first = {
        "name": project.name("web"),
        "script": project.script("hangs.js"),
        "env": env,
        "ready": "/health",
        "listen_timeout": 60_000,
    }
    second = {
        "name": project.name("after"),
        "script": "sleep",
        "args": "infinity",
        "depends_on": {project.name("web"): {"condition": "ready"}},
    }
    done = pm2sd("apply", project.ecosystem([second, first]))
    assert done.exit_status == ExitStatus.OK, done
    assert "depends_on" not in done.stderr
    ready = properties(unit(project, 0), "ActiveEnterTimestampMonotonic")
    began = properties(f"{project.name('after')}@0.service", "ExecMainStartTimestampMonotonic")
    assert int(*began.values()) > int(*ready.values())


def test_the_check_does_not_need_pm2sd(pm2sd: Pm2sd, project: Project) -> None:
    """It is a copy beside the units, run by the system's own Python."""
    done = apply(pm2sd, project, ready="/", env={"PORT": free_port()}, listen_timeout=60_000)
    assert done.exit_status == ExitStatus.OK
    command = properties(unit(project, 0), "ExecStartPost")["ExecStartPost"]
    assert "/.venv/" not in command
    assert "systemd/user/pm2sd-probe ready" in command


@pytest.mark.parametrize("language", ["node", "python"])
def test_a_new_build_is_not_taken_for_the_old_one_that_answers(
    pm2sd: Pm2sd, project: Project, language: str
) -> None:
    """The extra instance of a reload never serves, while all others do, on the same socket."""
    if language == "node":
        script = project.write(
            "app.js",
            "if (require('fs').existsSync('broken')) process.env.COLD = '60000';\n"
            f"require({project.script('hangs.js')!r});\n",
        )
    else:
        script = project.write(
            "app.py",
            "import os, runpy\n"
            "if os.path.exists('broken'): os.environ['COLD'] = '60'\n"
            f"runpy.run_path({project.script('web.py')!r})\n",
        )
    port = free_port()
    options = {"listen": port, "env": {"PORT": port}, "instances": 2, "script": str(script)}
    done = apply(pm2sd, project, ready="/health", listen_timeout=60_000, **options)
    assert done.exit_status == ExitStatus.OK, done
    done = apply(pm2sd, project, ready="/health", listen_timeout=2000, **options)
    assert done.exit_status == ExitStatus.OK, done
    before = [pid(project, number) for number in range(2)]
    broken = project.write("broken", "")
    with Load(port, clients=2) as load:
        done = pm2sd("reload", project.name("web"))
        assert done.exit_status == ExitStatus.FAILED
        assert "was not ready within listen_timeout" in done.stderr
        assert [pid(project, number) for number in range(2)] == before
        broken.unlink()
        done = apply(pm2sd, project, ready="/health", listen_timeout=60_000, **options)
        assert done.exit_status == ExitStatus.OK, done
        assert pm2sd("reload", project.name("web")).exit_status == ExitStatus.OK
        assert set(before).isdisjoint(pid(project, number) for number in range(2))
    assert load.failures == []
