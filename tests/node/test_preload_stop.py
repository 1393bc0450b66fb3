"""What the preload does on the stop signal, and what becomes of process.send."""

from __future__ import annotations

import re
import shutil
import socket
import time
from pathlib import Path
from signal import SIGINT, SIGTERM, SIGUSR2, Signals

import pytest

from pm2sd import node
from tests.node.harness import SECONDS, App, Listening, Run, Server

GRACE_SECONDS = 3
"""In place of half a second, in which a busy machine may not get round to a client."""

# GET / is answered at once, GET /slow once somebody gets /go.
HTTP = """
    const http = require('http');
    const waiting = [];
    const server = http.createServer((request, response) => {
        if (request.url === '/slow') return void (waiting.push(response), console.log('waiting'));
        if (request.url === '/go') for (const one of waiting) one.end('slow');
        response.end('quick');
    });
    const { close } = server;
    server.close = (...rest) => (console.log('closing'), close.apply(server, rest));
    server.listen(PORT, () => console.log('listening'));
"""


class Client:
    """One keep-alive connection of an HTTP client."""

    def __init__(self, server: Server) -> None:
        self.socket = server.connect()
        self.answers = self.socket.makefile("rb")

    def ask(self, path: str = "/") -> None:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def answer(self) -> tuple[str, str]:
        """The body of the next answer and its Connection header; both empty at the end."""
        head = b"".join(iter(self.answers.readline, b"\r\n")).decode() if self.peek() else ""
        headers = dict(re.findall(r"^([\w-]+): (.*)\r$", head, re.MULTILINE))
        body = self.answers.read(int(headers.get("Content-Length", 0))).decode()
        return body, headers.get("Connection", "")

    def peek(self) -> bytes:
        """What comes next, empty at the end of the connection."""
        return self.answers.peek(1)


@pytest.fixture
def preload(tmp_path: Path) -> Path:
    """The preload, but for the grace."""
    theirs = node.preload()
    ours = theirs.replace("const GRACE_MS = 500;", f"const GRACE_MS = {GRACE_SECONDS * 1000};")
    assert ours != theirs
    path = tmp_path / "preload.cjs"
    path.write_text(ours)
    return path


@pytest.fixture
def server(listening: Listening) -> Server:
    return listening()


def sockets(server: Server) -> dict[str, Server]:
    return {str(server.port): server}


@pytest.mark.parametrize("signal", [SIGINT, SIGTERM])
def test_requests_in_flight_are_answered(app: Run, server: Server, signal: Signals) -> None:
    running = app(HTTP.replace("PORT", str(server.port)), sockets=sockets(server))
    assert running.said() == "listening"
    slow, go = Client(server), Client(server)
    go.ask()
    assert go.answer() == ("quick", "keep-alive")
    slow.ask("/slow")
    assert running.said() == "waiting"
    running.process.send_signal(signal)
    assert running.said() == "closing"
    later = server.connect()  # is for another instance: nothing is accepted any more
    go.ask("/go")
    assert go.answer() == ("quick", "close")
    assert slow.answer() == ("slow", "close")
    assert running.end() == (0, "", "")
    later.setblocking(False)
    with later, pytest.raises(BlockingIOError):
        later.recv(1)


def test_an_idle_connection_is_told_to_close_before_it_is_closed(app: Run, server: Server) -> None:
    running = app(HTTP.replace("PORT", str(server.port)), sockets=sockets(server))
    assert running.said() == "listening"
    used, idle, fresh = Client(server), Client(server), server.connect()
    for one in (used, idle):
        one.ask()
        assert one.answer() == ("quick", "keep-alive")
    running.process.send_signal(SIGINT)
    assert running.said() == "closing"
    start = time.monotonic()
    used.ask()
    assert used.answer() == ("quick", "close")
    assert used.peek() == b""
    assert time.monotonic() - start < GRACE_SECONDS
    assert idle.peek() == fresh.recv(1) == b""
    assert running.end()[0] == 0


def test_without_connections_it_ends_at_once(app: Run, server: Server) -> None:
    running = app(HTTP.replace("PORT", str(server.port)), sockets=sockets(server))
    assert running.said() == "listening"
    start = time.monotonic()
    assert running.end(SIGINT) == (0, "closing\n", "")
    assert time.monotonic() - start < GRACE_SECONDS


def test_upgraded_connections_are_closed(app: Run, server: Server) -> None:
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        server.on('upgrade', (request, socket) => {
            socket.write('HTTP/1.1 101 Switching Protocols\\r\\nContent-Length: 0\\r\\n\\r\\n');
        });
    """
    )
    running = app(script, sockets=sockets(server))
    assert running.said() == "listening"
    client = Client(server)
    client.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
    client.answer()
    assert running.end(SIGINT) == (0, "closing\n", "")
    assert client.peek() == b""


def test_plain_connections_end_when_they_are_quiet(app: Run, server: Server) -> None:
    script = f"""
        require('net').createServer((one) => one.on('data', () => {{
            let n = 0;
            const timer = setInterval(() => {{
                one.write(n++ < 8 ? 'part' : 'end');
                if (n > 8) clearInterval(timer);
            }}, 100);
            one.on('close', () => clearInterval(timer));
        }})).listen({server.port}, () => console.log('listening'));
    """
    running = app(script, sockets=sockets(server))
    assert running.said() == "listening"
    busy, idle = server.connect(), server.connect()
    busy.sendall(b"go")
    assert busy.recv(4) == b"part"
    assert running.end(SIGINT) == (0, "", "")
    assert b"".join(iter(lambda: busy.recv(99), b"")).endswith(b"end")
    assert idle.recv(1) == b""


def test_http2_sessions_finish_their_streams(app: Run, server: Server) -> None:
    script = f"""
        const http2 = require('http2');
        const server = http2.createServer((request, response) => {{
            if (request.url === '/slow') setTimeout(() => response.end('slow'), 300);
            else response.end('quick');
        }});
        server.listen({server.port}, () => {{
            const client = http2.connect('http://127.0.0.1:{server.port}');
            const slow = client.request({{ ':path': '/slow' }});
            let body = '';
            slow.on('data', (part) => (body += part)).on('end', () => console.log(body));
            slow.on('error', (error) => console.log(error.code));
            client.once('goaway', () => console.log('goaway'));
            const quick = client.request({{ ':path': '/' }});
            quick.on('data', () => process.kill(process.pid, 'SIGINT'));
        }});
    """
    running = app(script, sockets=sockets(server))
    assert [running.said(), running.said()] == ["goaway", "slow"]
    assert running.end() == (0, "", "")


def closing_its_connections(running: App, server: Server) -> App:
    """Stops an app that closes itself, with two connections kept open, and sees both closed."""
    assert running.said() == "listening"
    used, idle = Client(server), Client(server)
    for one in (used, idle):
        one.ask()
        assert one.answer() == ("quick", "keep-alive")
    running.process.send_signal(SIGINT)
    assert running.said() == "closing"
    used.ask()
    assert used.answer() == ("quick", "close")
    assert idle.peek() == b""
    return running


def test_a_handler_of_the_apps_own_is_helped(app: Run, server: Server) -> None:
    """Its close() neither waits for idle connections (Node 18) nor cuts them off (since 19)."""
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        process.on('SIGINT', () => server.close(() => setTimeout(() => process.exit(7), 100)));
        server.keepAliveTimeout = 1e6;
    """
    )
    start = time.monotonic()
    running = closing_its_connections(app(script, sockets=sockets(server)), server)
    assert running.end()[0] == 7
    assert time.monotonic() - start < 10 * GRACE_SECONDS  # not after the keepAliveTimeout


def test_idle_connections_are_closed_at_once_where_the_app_refuses(
    app: Run, server: Server
) -> None:
    """As fastify does while it closes: on another connection another instance would answer."""
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        process.on('SIGINT', () => {
            server.prependListener('request', (_, response) => (response.statusCode = 503));
            server.close();
        });
        server.keepAliveTimeout = 1e6;
        const later = setTimeout; // so that the time for clients to send once more never ends
        globalThis.setTimeout = (done, ms) => later(done, 1000 * ms);
    """
    )
    closing_its_connections(app(script, sockets=sockets(server)), server)


def test_an_app_with_a_handler_ends_when_it_wants(app: Run, server: Server) -> None:
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        process.on('SIGINT', () => setTimeout(() => server.close(() => process.exit(7)), 700));
    """
    )
    running = app(script, sockets=sockets(server))
    assert running.said() == "listening"
    start = time.monotonic()
    assert running.end(SIGINT)[0] == 7
    assert time.monotonic() - start >= 0.7


def test_a_library_that_counts_handlers_sees_none_of_ours(app: Run, server: Server) -> None:
    """As signal-exit does: it ends the process unless the app has a handler of its own."""
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        process.on('SIGINT', function hook() {
            if (process.listeners('SIGINT').length > 1) return;
            process.off('SIGINT', hook);
            console.log('hook');
            process.kill(process.pid, 'SIGINT');
        });
    """
    )
    running = app(script, sockets=sockets(server))
    assert running.said() == "listening"
    assert running.end(SIGINT) == (0, "hook\nclosing\n", "")


def test_an_app_without_servers_dies_of_the_signal(app: Run) -> None:
    running = app("setInterval(() => {}, 1000); console.log('up')")
    assert running.said() == "up"
    assert running.end(SIGINT) == (-SIGINT, "", "")


def test_so_does_one_that_closed_its_servers(app: Run, server: Server) -> None:
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        server.on('listening', () => server.close(() => console.log('closed')));
        setInterval(() => {}, 1000);
    """
    )
    running = app(script, sockets=sockets(server))
    assert [running.said() for _ in range(3)] == ["listening", "closing", "closed"]
    assert running.end(SIGTERM) == (-SIGTERM, "", "")


def test_the_apps_own_signal(app: Run, server: Server) -> None:
    script = HTTP.replace("PORT", str(server.port))
    running = app(script, sockets=sockets(server), settings={"kill_signal": "SIGUSR2"})
    assert running.said() == "listening"
    assert running.end(SIGUSR2) == (0, "closing\n", "")


def test_a_server_on_a_port_of_its_own_is_closed_gracefully_too(app: Run) -> None:
    running = app(HTTP.replace("PORT", "0"))
    assert running.said() == "listening"
    assert running.end(SIGINT) == (0, "closing\n", "")


def test_an_app_that_uses_cluster_waits_for_its_workers(app: Run, server: Server) -> None:
    script = f"""
        const cluster = require('cluster');
        const {{ createServer }} = require('http');
        if (cluster.isPrimary) {{
            cluster.fork();
            cluster.on('exit', (worker, code) => console.log('exit', code));
        }} else {{
            const answer = (request, response) => {{
                console.log('waiting');
                setTimeout(() => response.end('slow'), 300);
            }};
            createServer(answer).listen({server.port}, () => console.log('listening'));
        }}
    """
    running = app(script, sockets=sockets(server))
    assert running.said() == "listening"
    client = Client(server)
    client.ask("/")
    assert running.said() == "waiting"
    running.signal_all(SIGINT)
    assert client.answer() == ("slow", "close")
    assert running.end() == (0, "exit 0\n", "")


MESSAGE = {"shutdown_with_message": True}


def test_the_message_takes_the_place_of_the_signal(app: Run, server: Server) -> None:
    script = (
        HTTP.replace("PORT", str(server.port))
        + """
        process.on('SIGINT', () => console.log('a signal'));
        process.on('message', (text) => {
            console.log(text);
            server.close(() => process.exit(7));
        });
    """
    )
    running = app(script, sockets=sockets(server), settings=MESSAGE)
    assert running.said() == "listening"
    assert running.end(SIGINT) == (7, "shutdown\nclosing\n", "")


def test_the_message_reaches_an_app_without_servers(app: Run) -> None:
    script = """
        process.on('message', (text) => { console.log(text); process.exit(7); });
        setInterval(() => {}, 1000);
        console.log('up');
    """
    running = app(script, settings=MESSAGE)
    assert running.said() == "up"
    assert running.end(SIGINT) == (7, "shutdown\n", "")


def test_an_app_that_hears_no_messages_gets_the_signal(app: Run, server: Server) -> None:
    running = app(HTTP.replace("PORT", str(server.port)), settings=MESSAGE, sockets=sockets(server))
    assert running.said() == "listening"
    assert running.end(SIGINT) == (0, "closing\n", "")
    running = app("setInterval(() => {}, 1000); console.log('up')", settings=MESSAGE)
    assert running.said() == "up"
    assert running.end(SIGINT) == (-SIGINT, "", "")


def test_send_and_disconnect_are_as_with_a_parent(app: Run) -> None:
    script = """
        process.on('disconnect', () => {
            console.log('disconnect', process.connected);
            console.log(process.send('late', (error) => console.log(error.code)));
        });
        console.log(process.connected);
        console.log(process.send({ type: 'process:msg', data: {} }, undefined, {}, (error) => {
            console.log(error);
            process.disconnect();
        }));
    """
    out = "true\ntrue\nnull\ndisconnect false\nfalse\nERR_IPC_CHANNEL_CLOSED\n"
    assert app(script).end() == (0, out, "")


def test_a_real_channel_is_left_alone(app: Run) -> None:
    script = """
        if (process.argv[2]) process.send('ready');
        else require('child_process').fork(__filename, ['child'])
            .on('message', (text) => console.log('got', text));
    """
    assert app(script).end() == (0, "got ready\n", "")


@pytest.mark.skipif(not shutil.which("systemd-notify"), reason="there is no systemd-notify")
def test_ready_is_told_to_the_manager_once(app: Run, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(SECONDS)
        script = "process.send('other'); process.send('ready'); process.send('ready'); "
        script += "process.stdin.once('data', () => process.exit())"
        running = app(script, env={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(4096).splitlines()[0] == b"READY=1"
        assert manager.recv(4096) == b"BARRIER=1"  # systemd-notify waits for it
        manager.settimeout(0.2)
        with pytest.raises(TimeoutError):
            manager.recv(4096)
        assert running.process.poll() is None
