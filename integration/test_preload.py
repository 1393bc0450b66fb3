"""The preload for Node apps: readiness, wrappers, stopping."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, Result, eventually, free_port, properties, run
from integration.test_socket import get, unit
from pm2sd.errors import ExitStatus
from pm2sd.node import preload
from pm2sd.systemd.paths import unit_directory


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> Result:
    app = {
        "name": project.name("web"),
        "script": project.script("cluster.js"),
        "kill_timeout": 60_000,  # else one that is held up ends before it has said anything
        **options,
    }
    return pm2sd("apply", project.ecosystem([app]))


def test_the_unit_is_activating_until_the_app_is_ready(pm2sd: Pm2sd, project: Project) -> None:
    env = {"PORT": free_port(), "READY": 2000}
    done = apply(pm2sd, project, wait_ready=True, listen_timeout=60_000, env=env)
    assert done.exit_status == ExitStatus.OK, done
    name = unit(project, 0)
    started = properties(name, "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    begin, ready = (int(text) for text in started.values())
    assert ready - begin > 2_000_000
    again = run("systemctl", "--user", "restart", "--no-block", name)
    assert again.exit_status == 0
    eventually(lambda: properties(name, "ActiveState")["ActiveState"] == "activating")
    eventually(lambda: properties(name, "ActiveState")["ActiveState"] == "active")


def test_an_app_that_never_becomes_ready_has_failed(pm2sd: Pm2sd, project: Project) -> None:
    env = {"PORT": free_port(), "READY": "never"}
    options = {"wait_ready": True, "listen_timeout": 8000, "autorestart": False}
    done = apply(pm2sd, project, env=env, **options)
    assert done.exit_status == ExitStatus.FAILED
    assert "listening" in done.stderr  # its last lines


def test_npm_start(pm2sd: Pm2sd, project: Project) -> None:
    """The socket and the readiness come through npm and its shell."""
    app = project.script("cluster.js")
    project.write("package.json", json.dumps({"scripts": {"start": f"node {app}"}}))
    port = free_port()
    env = {"PORT": port, "READY": 1, "npm_config_update_notifier": "false"}
    options = {"script": "npm", "args": "start", "listen": port, "instances": 2}
    done = apply(pm2sd, project, env=env, wait_ready=True, listen_timeout=60_000, **options)
    assert done.exit_status == ExitStatus.OK, done
    eventually(lambda: {get(port).split()[0] for _ in range(8)} == {"0", "1"})


def test_the_sockets_of_what_a_shell_script_runs(pm2sd: Pm2sd, project: Project) -> None:
    """As pnpm writes them into node_modules/.bin: without an extension."""
    script = project.write("web", f"#!/bin/sh\nexec node {project.script('cluster.js')}\n")
    script.chmod(0o755)
    port = free_port()
    options = {"script": str(script), "listen": port, "instances": 2, "env": {"PORT": port}}
    assert apply(pm2sd, project, **options).exit_status == ExitStatus.OK
    eventually(lambda: {get(port).split()[0] for _ in range(8)} == {"0", "1"})


@pytest.mark.parametrize("line", ["exec node", "node"])
def test_the_readiness_of_what_a_shell_script_runs(
    pm2sd: Pm2sd, project: Project, line: str
) -> None:
    """As with PM2, whose channel to a script is inherited by all that it starts."""
    script = project.write("start.sh", f"#!/bin/bash\n{line} {project.script('cluster.js')}\n")
    env = {"PORT": free_port(), "READY": 1}
    options = {"script": str(script), "interpreter": "bash"}
    done = apply(pm2sd, project, env=env, wait_ready=True, listen_timeout=60_000, **options)
    assert done.exit_status == ExitStatus.OK, done


@pytest.mark.parametrize("options", [{}, {"shutdown_with_message": True}])
def test_an_app_without_a_handler_is_stopped_in_peace(
    pm2sd: Pm2sd, project: Project, options: dict[str, Any]
) -> None:
    script = project.write(
        "app.js",
        "process.on('exit', (code) => console.log(`got out with ${code}`));\n"
        f"require({project.script('cluster.js')!r});\n",
    )
    done = apply(pm2sd, project, script=str(script), env={"PORT": free_port()}, **options)
    assert done.exit_status == ExitStatus.OK
    name = project.name("web")
    eventually(lambda: "listening" in pm2sd("logs", "--nostream", name).stdout)
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert "got out with 0" in eventually(lambda: got(pm2sd, name))


def test_an_answer_without_an_end_does_not_have_the_app_killed(
    pm2sd: Pm2sd, project: Project
) -> None:
    """Server-sent events, a long poll: PM2 ends an app without a handler at once."""
    port = free_port()
    script = project.write(
        "app.js",
        "process.on('exit', (code) => console.log(`got out with ${code}`));\n"
        f"require('http').createServer((_, events) => events.write('data')).listen({port});\n",
    )
    done = apply(pm2sd, project, script=str(script), kill_timeout=5000)
    assert done.exit_status == ExitStatus.OK
    name = project.name("web")
    with eventually(lambda: socket.create_connection(("127.0.0.1", port))) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(4096)
        stopped = pm2sd("stop", name)
        assert (stopped.exit_status, stopped.stderr) == (ExitStatus.OK, ""), stopped
    said = eventually(lambda: got(pm2sd, name))
    assert "connections still open at the end of kill_timeout: 1" in said
    assert "got out with 0" in said
    assert properties(unit(project, 0), "Result")["Result"] == "success"


def got(pm2sd: Pm2sd, name: str) -> str:
    """The app's log, once it got something."""
    log = pm2sd("logs", "--nostream", name).stdout
    return log if "got" in log else ""


@pytest.mark.parametrize("script", ["app.js", "start.sh"])
def test_shutdown_arrives_as_a_message(pm2sd: Pm2sd, project: Project, script: str) -> None:
    project.write("start.sh", "#!/bin/bash\nexec node app.js\n")
    project.write(
        "app.js",
        "process.on('SIGINT', () => console.log('got a signal'));\n"
        "process.on('message', (text) => { console.log(`got ${text}`); process.exit(); });\n"
        "setInterval(() => {}, 1000);\n"
        "console.log('up');\n",
    )
    done = apply(pm2sd, project, script=script, shutdown_with_message=True)
    assert done.exit_status == ExitStatus.OK
    name = project.name("web")
    eventually(lambda: "up" in pm2sd("logs", "--nostream", name).stdout)
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    said = eventually(lambda: got(pm2sd, name))
    assert "got shutdown" in said
    assert "got a signal" not in said


def test_the_preload_is_brought_up_to_date(pm2sd: Pm2sd, project: Project) -> None:
    env = {"PORT": free_port()}
    assert apply(pm2sd, project, env=env).exit_status == ExitStatus.OK
    installed = unit_directory() / "pm2sd-preload.cjs"
    assert installed.read_text() == preload()
    installed.write_text("'use strict'; // of an older version\n")
    assert apply(pm2sd, project, env=env).exit_status == ExitStatus.OK
    assert installed.read_text() == preload()
