"""listen() of unmodified apps, on a socket that this process holds.

The socket is bound, so that an app can only listen there through the descriptor it inherited.
"""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from integration.harness import free_port
from tests.node.harness import Listening, Run, Server

ANSWER = "(request, response) => response.end('hello')"
READY = "() => console.log('listening')"


def get(server: Server, host: str = "127.0.0.1") -> str:
    with server.connect(host) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    return answer.decode().rpartition("\r\n\r\n")[2]


@pytest.mark.parametrize(
    "listen",
    [
        "server.listen(PORT, done)",
        "server.listen(String(PORT), done)",
        "server.listen(PORT, '127.0.0.1', done)",
        "server.listen(PORT, 'localhost', 128, done)",
        "server.listen(PORT); server.on('listening', done)",
        "server.listen({ port: PORT }, done)",
        "server.listen({ port: String(PORT), host: '0.0.0.0', backlog: 5 }, done)",
        "server.on('listening', done).listen({ host: '::', port: PORT, exclusive: true })",
    ],
)
def test_every_way_to_ask_for_a_port(app: Run, listening: Listening, listen: str) -> None:
    server = listening()
    script = f"""
        const PORT = {server.port}, done = {READY};
        const server = require('http').createServer({ANSWER});
        {listen};
    """
    running = app(script, sockets={f"127.0.0.1:{server.port}": server})
    assert running.said() == "listening"
    assert get(server) == "hello"


@pytest.mark.parametrize(
    "create",
    [
        "require('net').createServer(done)",
        "require('http').createServer().on('connection', done)",
        "require('https').createServer().on('connection', done)",
        "require('http2').createServer().on('connection', done)",
        "require('http2').createSecureServer().on('connection', done)",
        "require('tls').createServer().on('connection', done)",
    ],
)
def test_every_kind_of_server(app: Run, listening: Listening, create: str) -> None:
    server = listening()
    script = f"""
        const done = (socket) => {{ console.log('connected'); socket.destroy(); }};
        {create}.listen({server.port}, {READY});
    """
    running = app(script, sockets={str(server.port): server})
    assert running.said() == "listening"
    server.connect().close()
    assert running.said() == "connected"


def test_es_modules(app: Run, listening: Listening) -> None:
    server = listening()
    script = f"""
        import {{ createServer }} from 'node:http';
        await new Promise((resolve) => createServer({ANSWER}).listen({server.port}, resolve));
        console.log('listening');
    """
    running = app(script, sockets={str(server.port): server}, name="app.mjs")
    assert running.said() == "listening"
    assert get(server) == "hello"


def test_unix_sockets(app: Run, tmp_path: Path) -> None:
    path = tmp_path / "the app.sock"
    with socket.create_server(str(path), family=socket.AF_UNIX) as held:
        script = "require('net').createServer((one) => one.end('hello'))\n"
        script += f".listen(require('path').relative('.', {json.dumps(str(path))}), {READY})"
        running = app(script, sockets={str(path): held})
        assert running.said() == "listening"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert client.recv(9) == b"hello"


def test_several_sockets(app: Run, listening: Listening) -> None:
    first, second = listening(), listening()
    script = f"""
        for (const port of process.argv.slice(2)) {{
            require('http').createServer((q, r) => r.end(port)).listen(port, {READY});
        }}
    """
    sockets = {str(one.port): one for one in (first, second)}
    running = app(script, str(second.port), str(first.port), sockets=sockets)
    assert [running.said(), running.said()] == ["listening", "listening"]
    assert get(first) == str(first.port)
    assert get(second) == str(second.port)


def test_the_backlog_stays_that_of_the_unit(app: Run, listening: Listening) -> None:
    server = listening()
    script = (
        f"require('http').createServer().listen({{ port: {server.port}, backlog: 1 }}, {READY})"
    )
    assert app(script, sockets={str(server.port): server}).said() == "listening"
    somaxconn = int(Path("/proc/sys/net/core/somaxconn").read_text())
    assert backlog(server) == somaxconn
    running = app(script, sockets={str(server.port): server}, settings={"backlog": 7})
    assert running.said() == "listening"
    assert backlog(server) == 7


def backlog(server: Server) -> int:
    """tcpi_sacked of a listening socket (struct tcp_info, linux/tcp.h)."""
    information = server.held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(information[28:32], "little")


def test_a_free_port_stays_the_apps_own(app: Run, listening: Listening) -> None:
    server = listening()
    script = (
        "require('http').createServer().listen(0, function () { console.log(this.address().port) })"
    )
    running = app(script + ".unref()", sockets={str(server.port): server})
    assert running.said() not in ("", str(server.port))
    assert running.end() == (0, "", "")


def test_another_port_is_left_alone_with_one_warning(app: Run, listening: Listening) -> None:
    server = listening()
    other = listening()
    port = other.port
    other.held.close()
    script = f"""
        const {{ createServer }} = require('http');
        const other = createServer().listen({port}, '127.0.0.1', () => other.close(() =>
            other.listen({port}, '127.0.0.1', () => {{
                console.log(other.address().port);
                process.exit(0);
            }})));
    """
    running = app(script, sockets={str(server.port): server})
    assert running.said() == str(port)
    _, _, err = running.end()
    assert err.count("pm2sd:") == 1
    assert f"port {port}, which is not one of the sockets" in err


def test_a_second_server_on_the_port_gets_the_usual_error(app: Run, listening: Listening) -> None:
    server = listening()
    script = f"""
        const {{ createServer }} = require('http');
        createServer().listen({server.port}, () => createServer().listen({server.port}));
        process.on('uncaughtException', (error) => console.log(error.code));
    """
    assert app(script, sockets={str(server.port): server}).said() == "EADDRINUSE"


def test_probing_a_port_before_using_it(app: Run, listening: Listening) -> None:
    """As get-port and its like do: listen, close, listen again, here several times."""
    server = listening()
    script = f"""
        const {{ createServer }} = require('net');
        const probe = () => new Promise((resolve) => {{
            const one = createServer((client) => client.end('probe'));
            one.listen({server.port}, () => one.close(resolve));
        }});
        (async () => {{
            for (let i = 0; i < 3; i++) await probe();
            console.log('probed');
            await new Promise((resolve) => process.stdin.once('data', resolve));
            require('http').createServer({ANSWER}).listen({server.port}, {READY});
        }})();
    """
    running = app(script, sockets={str(server.port): server})
    assert running.said() == "probed"
    early = server.connect()  # waits in the queue: nobody accepts between
    early.setblocking(False)
    with pytest.raises(BlockingIOError):
        early.recv(1)
    early.settimeout(20)
    running.tell()
    assert running.said() == "listening"
    early.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert b"".join(iter(lambda: early.recv(4096), b"")).endswith(b"hello")


def test_closing_for_good_lets_the_app_end(app: Run, listening: Listening) -> None:
    server = listening()
    script = f"const s = require('http').createServer().listen({server.port}, () => s.close())"
    assert app(script, sockets={str(server.port): server}).end() == (0, "", "")


def test_an_app_that_wants_the_loopback_is_reached_from_nowhere_else(
    app: Run, listening: Listening
) -> None:
    server = listening("::")
    script = f"require('http').createServer({ANSWER}).listen({server.port}, '127.0.0.1', {READY})"
    running = app(script, sockets={str(server.port): server})
    assert running.said() == "listening"
    assert get(server) == "hello"
    for _ in range(2):
        with server.connect("127.0.0.2") as elsewhere:
            assert elsewhere.recv(1) == b""
    running.kill()
    _, _, err = running.end()
    assert err.count("pm2sd:") == 1
    assert f'listen: "127.0.0.1:{server.port}"' in err


def test_the_same_port_of_another_address_is_another_socket(app: Run, listening: Listening) -> None:
    server = listening("127.0.0.1")
    script = f"require('http').createServer({ANSWER}).listen({server.port}, '127.0.0.2', {READY})"
    running = app(script, sockets={f"127.0.0.1:{server.port}": server})
    assert running.said() == "listening"
    with socket.create_connection(("127.0.0.2", server.port)):
        pass


def test_children_know_nothing_of_it(app: Run, listening: Listening) -> None:
    server = listening()
    script = """
        const { execFileSync, spawnSync } = require('child_process');
        const print = ['-p', 'JSON.stringify([process.env, Boolean(process.send)])'];
        console.log(execFileSync(process.execPath, print, { encoding: 'utf8' }).trim());
        require('child_process').execFile(process.execPath, print, (_, out) => console.log(out));
        require('child_process').execFile('true', [process.pid]); // tree-kill gives numbers, too
        require('child_process').spawn('true', { stdio: null });
        console.log(JSON.stringify(process.env));
    """
    env = {"LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "other"}
    running = app(script, sockets={str(server.port): server}, env=env)
    for line in (running.said(), running.said(), running.said()):
        assert not re.search("LISTEN|PM2SD_NODE", line)
    assert '"HOME"' in line


def test_children_do_not_speak_to_the_manager(app: Run) -> None:
    """But for the app itself, and systemd-notify when the app runs it."""
    script = """
        const { exec, spawn } = require('child_process');
        const print = 'echo ${NOTIFY_SOCKET-nothing}';
        console.log(process.env.NOTIFY_SOCKET);
        exec(print, (_, out) => {
            process.stdout.write(out);
            exec(`: systemd-notify; ${print}`, (_, out) => {
                process.stdout.write(out);
                spawn('sh', ['-c', print], { stdio: 'inherit' });
            });
        });
    """
    running = app(script, env={"NOTIFY_SOCKET": "/nowhere"})
    assert running.end() == (0, "/nowhere\nnothing\n/nowhere\n/nowhere\n", "")


@pytest.mark.parametrize(
    "spawn",
    [
        "spawn('sh', ['-c', 'node app.js'], { stdio: 'inherit' })",
        "spawn('node app.js', { shell: true, stdio: ['ignore', process.stdout, 2] })",
        "spawn(process.execPath, ['app.js'], { stdio: ['inherit', 1, 'inherit', 'ipc'] })",
        "fork('app.js')",
        "spawn(process.execPath, ['launcher.js', 'again'], { stdio: 'inherit' })",
        "forItsChildren.listen('launcher.sock', () => fork('app.js')).unref()",
        "probe.listen(0, () => probe.close(() => fork('app.js')))",
    ],
)
def test_wrappers_hand_the_sockets_on(
    app: Run, listening: Listening, tmp_path: Path, spawn: str
) -> None:
    """npm start, a shell, launchers: what they start with their own stdout is the app."""
    server = listening()
    (tmp_path / "app.js").write_text(
        f"require('http').createServer({ANSWER}).listen({server.port}, {READY})"
    )
    script = f"""
        process.chdir(__dirname);
        const {{ fork, spawn }} = require('child_process');
        const [forItsChildren, probe] = [0, 0].map(() => require('net').createServer());
        if (process.argv[2] === 'again') spawn('node', ['app.js'], {{ stdio: 'inherit' }});
        else {spawn};
    """
    running = app(script, sockets={str(server.port): server}, name="launcher.js")
    assert running.said() == "listening"
    assert get(server) == "hello"


def test_an_app_that_uses_cluster_itself(app: Run, listening: Listening) -> None:
    server = listening()
    script = f"""
        const cluster = require('cluster');
        if (cluster.isPrimary) {{
            for (let i = 0; i < 2; i++) cluster.fork();
            let n = 0;
            cluster.on('listening', () => ++n === 2 && console.log('listening'));
        }} else {{
            const answer = (request, response) => response.end(String(process.pid));
            require('http').createServer(answer).listen({server.port});
        }}
    """
    running = app(script, sockets={str(server.port): server})
    assert running.said() == "listening"
    assert len({get(server) for _ in range(8)}) == 2


def test_a_descriptor_that_a_wrapper_lost_is_not_used(app: Run, listening: Listening) -> None:
    with open(os.devnull) as not_a_socket:
        script = "require('http').createServer().listen(0, () => console.log('listening'))"
        settings = {"listen": ["1"], "fds": [not_a_socket.fileno()]}
        running = app(script, env={"PM2SD_NODE": json.dumps(settings)})
        assert running.said() == "listening"


def test_the_number_of_a_descriptor_that_a_wrapper_closed_is_not_used(
    app: Run, tmp_path: Path
) -> None:
    """As under node --watch, which does not load the preload itself."""
    port = free_port()
    (tmp_path / "app.js").write_text(
        "const server = require('http').createServer();\n"
        f"server.listen({port}, () => console.log(server.address().port));\n"
    )
    script = f"""
        const env = {{
            ...process.env, LISTEN_PID: process.pid, LISTEN_FDNAMES: 'pm2sd:pm2sd-notify',
            PM2SD_NODE: JSON.stringify({{ listen: ['{port}'] }}),
        }};
        const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
        require('child_process').spawn(process.execPath, [__dirname + '/app.js'], {{ stdio, env }});
    """
    running = app(script, settings=None, name="wrapper.js")
    assert running.said().startswith(str(port))


def test_nothing_happens_without_pm2sd(app: Run) -> None:
    script = """
        console.log(JSON.stringify([
            process.send === undefined, process.connected === undefined,
            process.eventNames(), require('net').Server.prototype.listen.length,
            Object.hasOwn(process, 'listeners'), Object.hasOwn(process, 'emit'),
        ]));
    """
    with_preload = app(script, settings=None)
    without = app(script, settings=None, env={"NODE_OPTIONS": ""})
    assert with_preload.end() == without.end()
