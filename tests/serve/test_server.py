"""The server of static files over a real socket: what is sent, what is refused, how it ends."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple

import pytest

from pm2sd.serve.find import find
from pm2sd.serve.handler import handler_for
from pm2sd.serve.server import Server
from pm2sd.serve.settings import Settings, settings


class Answer(NamedTuple):
    """A response: its status, its headers in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Site:
    """A served directory. Every request goes over a connection of its own."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """What is answered, with the path as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
        connection.close()
        return answer

    def status(self, path: str) -> int:
        """The status of a GET."""
        return self.get(path).status


Serve = Callable[..., Site]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves ``site`` below the test's directory; what lies beside it is not to be had."""
    root = tmp_path / "site"
    (root / "sub").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "index.html").write_text("<p>home</p>")
    (root / "sub/index.html").write_text("<p>sub</p>")
    (root / "data.json").write_text("{}")
    (root / "über uns.txt").write_text("ü")
    (root / ".hidden").write_text("x")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "site-of-another").mkdir()
    (tmp_path / "site-of-another/a.txt").write_text("another")
    servers = []

    def serve(**options: object) -> Site:
        sock = socket.create_server(("127.0.0.1", 0))
        site = Settings(root=str(root))._replace(**options)  # type: ignore[arg-type]
        server = Server(sock, handler_for(site))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return Site(root, sock.getsockname()[1])

    yield serve
    for server in servers:
        server.finish()
        server.socket.close()


def test_files_with_their_types(serve: Serve) -> None:
    site = serve()
    home = site.get("/")
    assert (home.status, home.body, home.headers["content-type"]) == (
        200,
        b"<p>home</p>",
        "text/html",
    )
    assert home.headers["access-control-allow-origin"] == "*"
    assert site.get("/data.json?v=1").headers["content-type"] == "application/json"
    assert site.get("/%C3%BCber%20uns.txt").body == "ü".encode()
    (site.root / "app.mjs").write_text("")
    (site.root / "LICENSE").write_text("")
    assert site.get("/app.mjs").headers["content-type"] == "text/javascript"
    assert site.get("/LICENSE").headers["content-type"] == "text/plain"


def test_directories_have_their_index_and_no_listing(serve: Serve) -> None:
    site = serve()
    assert site.get("/sub/").body == b"<p>sub</p>"
    redirected = site.get("/sub?a=b")
    assert (redirected.status, redirected.headers["location"]) == (301, "/sub/?a=b")
    assert (site.status("/empty/"), site.status("/empty"), site.status("/data.json/")) == (404,) * 3


def test_a_redirect_stays_on_the_site(serve: Serve) -> None:
    site = serve()
    (site.root / "evil.example").mkdir()
    (site.root / "evil.example/index.html").touch()
    assert site.get("//evil.example").headers["location"] == "/evil.example/"


def test_listings_only_where_they_are_asked_for(serve: Serve) -> None:
    site = serve(listing=True)
    (site.root / "index.html").unlink()
    (site.root / 'a"><b>.txt').touch()
    (site.root / "javascript:x").touch()
    (site.root / "round").symlink_to("round")
    (site.root / "nowhere").symlink_to("gone")
    page = site.get("/").body.decode()
    assert '<a href="./%C3%BCber%20uns.txt">über uns.txt</a>' in page
    assert '<a href="./sub/">sub/</a>' in page
    assert "<b>" not in page
    assert '<a href="./javascript%3Ax">' in page
    assert ".hidden" not in page
    assert "round" not in page
    assert "nowhere" not in page
    assert site.status("/empty/") == 200
    assert site.get("/empty").headers["location"] == "/empty/"
    assert site.get("/sub/").body == b"<p>sub</p>"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/../site-of-another/a.txt",
        "/link.txt",
        "/linked/secret.txt",
        "/loop",
        "/fifo",
    ],
)
def test_nothing_outside_of_the_root(serve: Serve, path: str) -> None:
    site = serve(spa=True, listing=True)
    (site.root / "link.txt").symlink_to("../secret.txt")
    (site.root / "linked").symlink_to("..")
    (site.root / "loop").symlink_to("loop")
    os.mkfifo(site.root / "fifo")
    answer = site.get(path)
    assert (answer.status, answer.body) == (403, b"403 Forbidden")


def test_links_within_the_root_and_a_root_that_is_one(serve: Serve, tmp_path: Path) -> None:
    current = tmp_path / "current"
    current.symlink_to("site")
    site = serve(root=str(current))
    (site.root / "link.json").symlink_to("data.json")
    assert site.get("/link.json").body == b"{}"
    (tmp_path / "next").mkdir()
    (tmp_path / "next/index.html").write_text("next")
    current.unlink()
    current.symlink_to("next")
    assert site.get("/").body == b"next"


@pytest.mark.parametrize("path", ["/a%00b", "/x" * 3000, "/%ff", "/data.json%2f"])
def test_odd_paths_are_missing(serve: Serve, path: str) -> None:
    assert serve().status(path) in (403, 404)


def test_a_target_that_is_no_url_is_missing(tmp_path: Path) -> None:
    assert find("http://[", Settings(str(tmp_path))).kind == "missing"


def test_what_is_missing(serve: Serve) -> None:
    site = serve()
    assert site.get("/nowhere")[::2] == (404, b"404 Not Found")
    (site.root / "404.html").write_text("<p>lost</p>")
    assert site.get("/nowhere")[::2] == (404, b"<p>lost</p>")
    (site.root / "404.html").unlink()
    (site.root / "404.html").symlink_to("../secret.txt")
    assert site.get("/nowhere")[::2] == (404, b"404 Not Found")


def test_a_single_page_application(serve: Serve) -> None:
    site = serve(spa=True)
    assert site.get("/users/5")[::2] == (200, b"<p>home</p>")
    assert site.get("/users/data.json").body == b"{}", "asked for relative to a path made up"
    assert site.get("/sub/").body == b"<p>sub</p>"
    (site.root / "app.html").write_text("app")
    assert serve(spa=True, homepage="/app.html").get("/x").body == b"app"


def test_basic_authentication(serve: Serve) -> None:
    site = serve(user="ada", password="love:lace")

    def status(credentials: str, scheme: str = "Basic") -> int:
        encoded = base64.b64encode(credentials.encode()).decode()
        return site.get("/data.json", Authorization=f"{scheme} {encoded}").status

    unknown = site.get("/data.json")
    assert (unknown.status, unknown.body) == (401, b"401 Unauthorized")
    assert unknown.headers["www-authenticate"] == 'Basic realm="Authentication service"'
    assert status("ada:love:lace") == 200
    assert status("ada:love:lace", "basic") == 200
    for wrong in ("ada:", "ada:love", ":love:lace", "", "ada"):
        assert status(wrong) == 401
    assert status("ada:love:lace", "Bearer") == 401
    assert site.get("/data.json", Authorization="Basic ???").status == 401
    assert site.get("/nowhere").status == 401, "nobody else learns what there is"


def test_head_sends_no_body(serve: Serve) -> None:
    site = serve()
    head, got = site.get("/data.json", "HEAD"), site.get("/data.json")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == "2"
    assert site.get("/nowhere", "HEAD")[::2] == (404, b"")
    assert site.get("/data.json", "DELETE").status == 501


def test_what_did_not_change_is_not_sent_again(serve: Serve) -> None:
    site = serve()
    changed = site.get("/data.json").headers["last-modified"]
    assert site.get("/data.json", If_Modified_Since=changed)[::2] == (304, b"")
    earlier = formatdate(os.stat(site.root / "data.json").st_mtime - 5, usegmt=True)
    assert site.get("/data.json", If_Modified_Since=earlier).status == 200
    assert site.get("/data.json", If_Modified_Since="yesterday").status == 200


@pytest.mark.parametrize(
    ("wanted", "status", "body", "part"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-500", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-50", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        (f"bytes=0-{'9' * 5000}", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_parts_of_files(
    serve: Serve, wanted: str, status: int, body: bytes, part: str | None
) -> None:
    site = serve()
    (site.root / "ten").write_bytes(b"0123456789")
    answer = site.get("/ten", Range=wanted)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers.get("content-range") == part
    if status == 206:
        assert site.get("/ten", Range=wanted, If_Range="another").status == 200


def test_one_connection_takes_many_requests(serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve().port, timeout=60)
    for path, status in (("/", 200), ("/nowhere", 404), ("/sub", 301), ("/data.json", 200)) * 3:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


@pytest.mark.parametrize(
    "header", ["Content-Length: 42", "Content-Length: 0\r\nContent-Length: 42",
               "Transfer-Encoding: chunked"],
)  # fmt: skip
def test_a_body_is_not_taken_for_the_next_request(serve: Serve, header: str) -> None:
    request = f"GET /data.json HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"
    second = "GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", serve().port), timeout=20) as connection:
        connection.sendall((request + second).encode())
        with connection.makefile("rb") as answers:
            said = answers.read()
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in said
    assert said.count(b"HTTP/1.1") == 1
    assert b"home" not in said


def test_settings_are_pm2s_variables() -> None:
    given = settings(
        {"PM2_SERVE_PATH": "/srv", "PM2_SERVE_PORT": "81", "PM2_SERVE_SPA": "true"}, ["x", "82"]
    )
    assert given == Settings("/srv", port=81, spa=True)
    assert settings({}, ["/srv", "82", "::1"]) == Settings("/srv", "::1", 82)
    assert settings({"PM2_SERVE_FTP": "false"}, []) == Settings(str(Path.cwd()))
    with pytest.raises(ValueError, match="needs PM2_SERVE_BASIC_AUTH_USERNAME"):
        settings({"PM2_SERVE_BASIC_AUTH": "true"}, [])
    with pytest.raises(ValueError, match="PM2_SERVE_PORT: 'http' is not a port"):
        settings({"PM2_SERVE_PORT": "http"}, ["x", "80"])
    with pytest.raises(ValueError, match=r"args \(PATH PORT HOST\): '--spa' is not a port"):
        settings({}, ["--no-daemon", "--spa"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pm2sd.serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_what_is_being_sent(tmp_path: Path, number: signal.Signals) -> None:
    size = 30_000_000  # more than the buffers of both sides hold
    (tmp_path / "large").write_bytes(b"x" * size)
    port = free_port()
    with process(str(tmp_path), str(port), "127.0.0.1") as server:
        assert server.stdout
        assert server.stdout.readline() == f"serving {tmp_path} on 127.0.0.1:{port}\n"
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        idle.connect()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/large")
        response = connection.getresponse()
        assert len(response.read(1000)) == 1000
        server.send_signal(number)
        assert len(response.read()) == size - 1000
        assert server.wait(timeout=60) == 0
        assert server.stderr
        assert server.stderr.read() == ""
        connection.close()
        idle.close()


def test_who_was_accepted_is_answered_once_more_before_it_ends(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pm2sd.serve.server.GRACE_SECONDS", 60)
    sock = socket.create_server(("127.0.0.1", 0))
    server = Server(sock, handler_for(Settings(root=str(serve().root))))
    accepting = threading.Thread(target=server.serve_forever, args=(0.02,))
    accepting.start()
    fresh, kept = (
        http.client.HTTPConnection("127.0.0.1", sock.getsockname()[1], timeout=60) for _ in range(2)
    )
    fresh.connect()
    kept.request("GET", "/")  # which is accepted after the other
    assert kept.getresponse().read() == b"<p>home</p>"
    finishing = threading.Thread(target=server.finish)
    finishing.start()
    accepting.join(60)
    for connection in (fresh, kept):
        assert finishing.is_alive()
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.read(), response.headers["connection"]) == (b"<p>home</p>", "close")
        connection.close()
    finishing.join(30)
    assert not finishing.is_alive()
    sock.close()


def test_what_keeps_it_from_serving_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(str(tmp_path), str(port), "127.0.0.1") as server:
            _, said = server.communicate(timeout=60)
    assert server.returncode == 1
    assert said == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"
    with process(str(tmp_path / "nowhere")) as server:
        assert server.communicate(timeout=60)[1] == f"there is no directory {tmp_path}/nowhere\n"
    assert server.returncode == 1


def test_it_loads_nothing_else_of_pm2sd() -> None:
    code = """
import json, sys, pm2sd.serve.__main__
print(json.dumps([name for name in sys.modules if name.startswith("pm2sd")]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(
        name == "pm2sd" or name.startswith("pm2sd.serve") for name in json.loads(done.stdout)
    )
