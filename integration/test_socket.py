"""Sockets that systemd opens and an app's instances share, under load."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.clients import Load
from integration.harness import (
    PATIENCE,
    Pm2sd,
    Project,
    eventually,
    free_port,
    properties,
    systemctl,
)
from pm2sd.errors import ExitStatus


def get(port: int, host: str = "127.0.0.1") -> str:
    with socket.create_connection((host, port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    return answer.decode().rpartition("\r\n\r\n")[2]


def cluster(pm2sd: Pm2sd, project: Project, **options: Any) -> int:
    """Applies a cluster of integration/apps/cluster.js; its port."""
    port = options.pop("port", None) or free_port()
    app = {
        "name": project.name("web"),
        "script": project.script("cluster.js"),
        "exec_mode": "cluster",
        "instances": 2,
        "env": {"PORT": port, **options.pop("env", {})},
    }
    done = pm2sd("apply", project.ecosystem([{**app, **options}]))
    assert done.exit_status == ExitStatus.OK, done
    return port


def unit(project: Project, number: int) -> str:
    return f"{project.name('web')}@{number}.service"


def socket_unit(project: Project) -> str:
    return f"{project.name('web')}.socket"


def pid(project: Project, number: int) -> str:
    return properties(unit(project, number), "MainPID")["MainPID"]


def inode(project: Project, number: int) -> str:
    return os.readlink(f"/proc/{pid(project, number)}/fd/3")


def active(name: str) -> str:
    return properties(name, "ActiveState")["ActiveState"]


def test_instances_in_each_others_way_are_told_how_to_share_the_port(
    pm2sd: Pm2sd, project: Project
) -> None:
    port, name = free_port(), project.name("web")
    text = "require('node:http').createServer((_, r) => r.end('hi')).listen(PORT);\n"
    script = project.write("app.js", text.replace("PORT", str(port)))
    failed = pm2sd("start", script, "--name", name, "-i", "2")
    assert failed.exit_status == ExitStatus.FAILED
    assert "note: " + name + ": listen (approximate): no port is known" in failed.stderr
    assert f"| Error: listen EADDRINUSE: address already in use :::{port}\n" in failed.stderr
    command = f"pm2sd restart {name} --listen {port}"
    hint = f"hint: each instance wants port {port}; to have them share it: {command}\n"
    assert hint in failed.stderr
    shared = pm2sd(*command.split()[1:])
    assert shared.exit_status == ExitStatus.OK, shared
    assert inode(project, 0) == inode(project, 1)
    assert get(port) == "hi"
    assert pm2sd("delete", name).exit_status == ExitStatus.OK

    app = {"name": name, "script": "app.js", "instances": 2}
    file = project.ecosystem([app])
    failed = pm2sd("apply", file)
    assert failed.exit_status == ExitStatus.FAILED
    assert f"to have them share it: write listen: {port} into {file}, and apply it" in failed.stderr
    assert pm2sd("apply", project.ecosystem([{**app, "listen": port}])).exit_status == ExitStatus.OK


def test_a_launcher_that_keeps_the_socket_to_itself_is_named(
    pm2sd: Pm2sd, project: Project
) -> None:
    port = free_port()
    project.write("app.js", f"require('http').createServer().listen({port})\n")
    script = project.write(
        "launcher.js",
        "const { stderr } = require('child_process').spawn(process.execPath, ['app.js'], {\n"
        "  stdio: 'pipe' }).on('close', (code) => { process.exitCode = code; });\n"
        "stderr.pipe(process.stderr);\n",
    )
    app = {
        "name": project.name("web"),
        "script": str(script),
        "listen": port,
        "wait_ready": True,  # so that it is waited for, however long it takes
        "listen_timeout": 60_000,
    }
    failed = pm2sd("apply", project.ecosystem([app]))
    assert failed.exit_status == ExitStatus.FAILED
    hint = f"hint: systemd holds port {port} for {app['name']} (listen), but"
    assert hint in failed.stderr, failed


def test_instances_that_load_slowly_are_waited_for_where_they_may_want_one_port(
    pm2sd: Pm2sd, project: Project
) -> None:
    slow = "const end = Date.now() + 3000; while (Date.now() < end);\n"
    script = project.write(
        "app.js", f"{slow}require('node:http').createServer().listen({free_port()});\n"
    )
    app = {"name": project.name("web"), "script": str(script), "instances": 2}
    failed = pm2sd("apply", project.ecosystem([app]))
    assert failed.exit_status == ExitStatus.FAILED
    assert "to have them share it: write listen: " in failed.stderr


def test_who_has_the_port_of_an_app_that_fails_for_it_is_told(
    pm2sd: Pm2sd, project: Project
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = f"require('node:net').createServer().listen({port}, '127.0.0.1');\n"
        script = project.write("app.js", text)
        failed = pm2sd("start", script, "--name", project.name("a"))
    assert failed.exit_status == ExitStatus.FAILED
    assert f"hint: port {port}: the port is taken by " in failed.stderr
    assert f"(pid {os.getpid()}, " in failed.stderr


def test_unmodified_instances_share_the_port_of_env(pm2sd: Pm2sd, project: Project) -> None:
    port = cluster(pm2sd, project, instances=3)
    assert len({inode(project, number) for number in range(3)}) == 1
    with Load(port, clients=3) as load:
        eventually(lambda: len(load.answers) == 3)
    assert load.failures == []


def test_an_app_of_any_name_has_its_socket(pm2sd: Pm2sd, project: Project) -> None:
    name = project.name("@apps/w\u00e9b: 1")
    port = cluster(pm2sd, project, name=name)
    first = get(port)
    assert first
    reloaded = pm2sd("reload", name)
    assert reloaded.exit_status == ExitStatus.OK, reloaded
    assert get(port) != first


@pytest.mark.parametrize("keep_alive", [False, True])
def test_nothing_is_lost_while_instances_change(
    pm2sd: Pm2sd, project: Project, keep_alive: bool
) -> None:
    """Rolling reload, systemctl's restart of one instance and of all, scaling up and down."""
    port = cluster(pm2sd, project, env={"DELAY": 5})
    name = project.name("web")
    with Load(port, keep_alive=keep_alive) as load:
        before = {pid(project, number) for number in range(2)}
        assert pm2sd("reload", name).exit_status == ExitStatus.OK
        assert before.isdisjoint(pid(project, number) for number in range(2))
        assert systemctl("restart", unit(project, 0)).exit_status == 0
        for number in ("4", "2"):
            assert pm2sd("scale", name, number).exit_status == ExitStatus.OK
        assert pm2sd("restart", name).exit_status == ExitStatus.OK
        seen = load.count
        eventually(lambda: load.count > seen + 100)
    assert load.failures == []


def test_another_port(pm2sd: Pm2sd, project: Project) -> None:
    old = cluster(pm2sd, project)
    new = cluster(pm2sd, project)
    assert get(new).split()[0] in "01"
    with pytest.raises(ConnectionRefusedError):
        get(old)
    assert pm2sd("diff").exit_status == ExitStatus.OK


def test_from_its_own_port_to_a_shared_one_and_back(pm2sd: Pm2sd, project: Project) -> None:
    port = cluster(pm2sd, project, exec_mode="fork", instances=1)
    assert eventually(lambda: get(port))
    cluster(pm2sd, project, port=port)
    assert inode(project, 0) == inode(project, 1)
    cluster(pm2sd, project, port=port, exec_mode="fork", instances=1)
    eventually(lambda: get(port))
    assert active(socket_unit(project)) == "inactive"


def test_stop_refuses_connections_and_delete_leaves_nothing(pm2sd: Pm2sd, project: Project) -> None:
    port = cluster(pm2sd, project)
    name = project.name("web")
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    with pytest.raises(ConnectionRefusedError):
        get(port)
    assert pm2sd("start", name).exit_status == ExitStatus.OK
    assert get(port)
    assert pm2sd("delete", name).exit_status == ExitStatus.OK
    with pytest.raises(ConnectionRefusedError):
        get(port)
    assert project.unit_files() == []


def test_an_instance_that_was_stopped_stays_so(pm2sd: Pm2sd, project: Project) -> None:
    port = cluster(pm2sd, project)
    systemctl("stop", unit(project, 0), unit(project, 1))
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as waiting:
        waiting.sendall(b"GET / HTTP/1.0\r\n\r\n")
        keeper = f"{project.name('web')}:socket.service"
        eventually(lambda: active(keeper) == "active")
        assert [active(unit(project, n)) for n in (0, 1)] == ["inactive", "inactive"]
        systemctl("start", unit(project, 1))
        assert b"200 OK" in waiting.recv(4096)


def test_one_instance_that_keeps_crashing_leaves_the_others_their_socket(
    pm2sd: Pm2sd, project: Project
) -> None:
    """At a start limit systemd closes the socket; what starts after that opens it again."""
    script = project.write(
        "app.js",
        "const { NODE_APP_INSTANCE: number } = process.env;\n"
        "if (number === '0' && require('fs').existsSync('broken')) throw 1;\n"
        f"require({project.script('cluster.js')!r});",
    )
    # A run of less than min_uptime counts; on a busy machine Node may take a second to throw.
    options = {"instances": 3, "max_restarts": 2, "min_uptime": "10s"}
    port = cluster(pm2sd, project, script=str(script), **options)
    project.write("broken", "")
    with Load(port, clients=2) as load:
        systemctl("restart", unit(project, 0))
        eventually(lambda: active(unit(project, 0)) == "failed")
        assert systemctl("restart", unit(project, 1)).exit_status == 0
        Path(project.path, "broken").unlink()
        assert pm2sd("start", project.name("web")).exit_status == ExitStatus.OK
        assert active(socket_unit(project)) == "active"
        eventually(lambda: any(body.startswith("0") for body in load.answers))
    assert load.failures == []


def test_other_languages_find_the_socket_as_sd_listen_fds_says(
    pm2sd: Pm2sd, project: Project
) -> None:
    path = project.path / "an app.sock"
    script = project.write(
        "app.py",
        "import os, socket, time\n"
        "assert int(os.environ['LISTEN_PID']) == os.getpid()\n"
        "assert os.environ['LISTEN_FDS'] == '2'\n"
        "while True:\n"
        "    for fd in (3, 4):\n"
        "        one = socket.socket(fileno=fd)\n"
        "        try:\n"
        "            one.accept()[0].sendall(b'hello')\n"
        "        except BlockingIOError:\n"
        "            time.sleep(0.01)\n"
        "        one.detach()\n",
    )
    port = free_port()
    listen = [f"[::1]:{port}", str(path)]
    cluster(pm2sd, project, script=str(script), exec_mode="fork", listen=listen)
    with socket.create_connection(("::1", port), PATIENCE) as client:
        assert client.recv(9) == b"hello"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert client.recv(9) == b"hello"


def test_a_socket_for_each_instance(pm2sd: Pm2sd, project: Project) -> None:
    port = cluster(pm2sd, project, reuse_port=True)
    assert inode(project, 0) != inode(project, 1)
    with Load(port) as load:
        eventually(lambda: len(load.answers) == 2)
        assert systemctl("restart", unit(project, 0)).exit_status == 0
    assert load.failures == []
    assert pm2sd("scale", project.name("web"), "1").exit_status == ExitStatus.OK
    assert {get(port).split()[0] for _ in range(8)} == {"0"}
    assert pm2sd("delete", project.name("web")).exit_status == ExitStatus.OK
    assert project.unit_files() == []


def test_a_port_that_is_taken_is_an_error_that_names_the_process(
    pm2sd: Pm2sd, project: Project
) -> None:
    script = (
        "import socket; one = socket.create_server(('127.0.0.1', 0));"
        "print(one.getsockname()[1], flush=True); input()"
    )
    held = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert held.stdout
    port = int(held.stdout.readline())
    app = {"name": project.name("web"), "script": project.script("cluster.js"), "listen": port}
    done = pm2sd("apply", project.ecosystem([app]))
    held.communicate("\n")
    assert done.exit_status == ExitStatus.FAILED
    assert f"cannot listen on {port}: the port is taken by {sys.executable}" in done.stderr
    assert f"pid {held.pid}" in done.stderr
    assert project.unit_files() == []
    assert pm2sd("apply").exit_status == ExitStatus.OK


def test_a_privileged_port_is_an_error_that_says_what_to_do(pm2sd: Pm2sd, project: Project) -> None:
    app = {"name": project.name("web"), "script": project.script("cluster.js"), "listen": 80}
    done = pm2sd("apply", project.ecosystem([app]))
    assert done.exit_status == ExitStatus.FAILED
    assert "net.ipv4.ip_unprivileged_port_start=80" in done.stderr
    assert project.unit_files() == []


def test_two_apps_cannot_have_one_port(pm2sd: Pm2sd, project: Project) -> None:
    script = project.script("cluster.js")
    apps = [{"name": project.name(n), "script": script, "listen": 3000} for n in ("a", "b")]
    done = pm2sd("apply", project.ecosystem(apps))
    assert done.exit_status == ExitStatus.INVALID_CONFIG
    assert "both listen on 3000" in done.stderr


def test_another_name_for_an_app_with_a_socket(pm2sd: Pm2sd, project: Project) -> None:
    """The old one is in the way until it is removed, and then not."""
    port = cluster(pm2sd, project)
    new = project.name("other")
    script = project.script("cluster.js")
    options = {"name": new, "script": script, "listen": port, "env": {"PORT": port}}
    file = project.ecosystem([options])
    for command in ("apply", "diff"):
        refused = pm2sd(command, file)
        assert refused.exit_status == ExitStatus.INVALID_CONFIG
        assert f"{project.name('web')!r} is no longer in the file: pm2sd apply --prune" in (
            refused.stderr
        )
    assert get(port)
    renamed = pm2sd("apply", "--prune", file)
    assert renamed.exit_status == ExitStatus.OK, renamed
    assert get(port)
    assert pm2sd("pid", project.name("web")).exit_status == ExitStatus.NO_SUCH_APP
    assert pm2sd("delete", new).exit_status == ExitStatus.OK


def test_another_name_for_what_was_started_with_a_socket(pm2sd: Pm2sd, project: Project) -> None:
    port, old, new = free_port(), project.name("old"), project.name("new")
    script = project.write(
        "app.js", f"process.env.PORT = '{port}'; require('{project.script('cluster.js')}');\n"
    )
    started = pm2sd("start", script, "--name", old, "--listen", str(port), "-i", "2")
    assert started.exit_status == ExitStatus.OK, started
    renamed = pm2sd("restart", old, "--name", new)
    assert renamed.exit_status == ExitStatus.OK, renamed
    assert get(port)
