"""Directories served over HTTP: ``serve``, ``static``, ``script: serve``; beside a real PM2."""

from __future__ import annotations

import http.client
import os
import re
from pathlib import Path
from typing import Any

import pytest

from integration.clients import Load
from integration.harness import Pm2sd, Project, eventually, free_port, properties
from integration.pm2 import Pm2
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory

HEADERS = ("content-type", "access-control-allow-origin", "access-control-allow-methods")


@pytest.fixture
def site(project: Project) -> Path:
    """What is served."""
    project.write("site/index.html", "<p>home</p>")
    project.write("site/404.html", "<p>lost</p>")
    for name in ("app.css", "data.json", "picture.svg", "a.png", "read me.txt", "LICENSE", "m.map"):
        project.write(f"site/{name}", name)
    project.write("site/sub/page.html", "<p>page</p>")
    project.write("secret.txt", "secret")
    return project.path / "site"


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


def pid(name: str, number: int = 0) -> str:
    return properties(f"{name}@{number}.service", "MainPID")["MainPID"]


# What is the same with both: paths, each with and without a user, with spa and without.
PATHS = (
    "/", "/index.html", "/app.css", "/data.json?x=1", "/picture.svg", "/a.png", "/read%20me.txt",
    "/LICENSE", "/sub/page.html", "/nowhere", "/deep/nowhere", "/deep/app.css",
    "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
)  # fmt: skip


@pytest.mark.parametrize("flags", [(), ("--spa",), ("--ftp",)])
def test_the_same_answers_as_pm2s(
    pm2sd: Pm2sd, pm2: Pm2, project: Project, site: Path, flags: tuple[str, ...]
) -> None:
    theirs, ours = free_port(), free_port()
    auth = ("--basic-auth-username", "ada", "--basic-auth-password", "lovelace")
    began = pm2("serve", site, str(theirs), "--name", project.name("theirs"), *flags, *auth)
    assert began.exit_status == 0, began
    began = pm2sd("serve", site, str(ours), "--name", project.name("ours"), *flags, *auth)
    assert began.exit_status == ExitStatus.OK, began
    allowed = {"Authorization": "Basic YWRhOmxvdmVsYWNl"}
    for port in (theirs, ours):
        eventually(lambda port=port: get(port, "/", **allowed)[0] == 200)  # type: ignore[misc]
    for path in PATHS:
        expected, found = get(theirs, path, **allowed), get(ours, path, **allowed)
        assert (path, found[0], found[2]) == (path, expected[0], expected[2])
        if found[0] == 200:
            kept = [(name, expected[1].get(name)) for name in HEADERS]
            assert (path, [(name, found[1].get(name)) for name in HEADERS]) == (path, kept)
    for wrong in ({}, {"Authorization": "Basic YWRhOnd3"}):
        expected, found = get(theirs, "/app.css", **wrong), get(ours, "/app.css", **wrong)
        assert (found[0], found[2]) == (expected[0], expected[2]) == (401, b"401 Unauthorized")
        assert found[1]["www-authenticate"] == expected[1]["www-authenticate"]
    if "--ftp" in flags:
        names = [set(re.findall(r'href="(?:\./)?([^"]+)"', one.decode())) - {"../"} for one in (
            get(theirs, "/sub/", **allowed)[2], get(ours, "/sub/", **allowed)[2]
        )]  # fmt: skip
        assert names[0] == names[1] == {"page.html"}


def test_static_in_a_file(pm2sd: Pm2sd, project: Project, site: Path) -> None:
    ports = [free_port(), free_port()]
    name = project.name("files")
    auth = {"username": "ada", "password": "lovelace!"}
    folders: list[dict[str, Any]] = [
        {"name": name, "path": "site", "port": ports[0], "spa": True, "basic_auth": auth},
        {"name": project.name("more"), "path": "site/sub", "port": ports[1], "directory": True},
    ]
    file = project.ecosystem({"apps": [], "static": folders})
    applied = pm2sd("apply", file)
    assert applied.exit_status == ExitStatus.OK, applied
    assert "note" not in applied.stderr
    assert eventually(lambda: get(ports[0], "/x/y"))[0] == 401
    assert get(ports[0], "/x/y", Authorization="Basic YWRhOmxvdmVsYWNlIQ==")[2] == b"<p>home</p>"
    assert b"page.html" in eventually(lambda: get(ports[1], "/"))[2]
    # The password is in no place that others, or systemctl cat, can see.
    assert "lovelace!" not in pm2sd("cat", name).stdout
    assert "lovelace!" not in pm2sd("describe", name).stdout
    assert "lovelace!" not in Path(f"/proc/{pid(name)}/cmdline").read_text()
    assert not any("lovelace!" in path.read_text() for path in project.unit_files())
    (secrets,) = unit_directory().glob(f"{name}@.service.d/*.env")
    assert "lovelace!" in secrets.read_text()
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "unchanged" in pm2sd("apply", file).stdout
    assert pm2sd("stop", name).exit_status == ExitStatus.OK
    assert properties(f"{name}@0.service", "Result")["Result"] == "success"


def test_a_server_is_scaled(pm2sd: Pm2sd, project: Project, site: Path) -> None:
    name, port = project.name("site"), free_port()
    started = pm2sd("serve", str(site), str(port), "--name", name)
    assert started.exit_status == ExitStatus.OK, started
    for count in ("2", "1"):
        scaled = pm2sd("scale", name, count)
        assert scaled.exit_status == ExitStatus.OK, scaled
        assert get(port, "/")[2] == b"<p>home</p>"
        rows = pm2sd("status", "--json", name).json
        assert [row["state"] for row in rows] == ["online"] * int(count)


def test_mistakes_in_static_are_told_with_those_of_the_apps(pm2sd: Pm2sd, project: Project) -> None:
    project.ecosystem(
        """\
apps:
  - {name: a, script: missing.js}
static:
  - {path: 5, port: http, sap: true, basic_auth: {username: a}, spa: "yes"}
  - {path: ., port: 1, name: a}
"""
    )
    result = pm2sd("apply")
    assert result.exit_status == ExitStatus.INVALID_CONFIG
    told = [line for line in result.stderr.splitlines() if ": error: " in line]
    assert [re.sub(r"^.*yaml:([\d:]+): error: ([^/]*).*", r"\1 \2", line) for line in told] == [
        "2:23 script not found: ",
        "4:12 path: expected a string; got a number",
        "4:21 port: expected a port",
        "4:27 static has no option 'sap'",
        "4:50 basic_auth: expected password, as strings",
        "4:70 spa: expected true or false",
        "5:30 another app is called 'a' already: ",
    ]


def test_instances_share_the_port_and_a_reload_loses_nothing(
    pm2sd: Pm2sd, project: Project, site: Path
) -> None:
    name, port = project.name("site"), free_port()
    env = {"PM2_SERVE_PATH": "site", "PM2_SERVE_PORT": port, "PM2_SERVE_HOST": "127.0.0.1"}
    file = project.ecosystem([{"name": name, "script": "serve", "instances": 2, "env": env}])
    applied = pm2sd("apply", file)
    assert applied.exit_status == ExitStatus.OK, applied
    before = pid(name), pid(name, 1)
    with Load(port) as load:
        eventually(lambda: load.count > 20)
        assert pm2sd("reload", name).exit_status == ExitStatus.OK
        seen = load.count
        eventually(lambda: load.count > seen + 20)
    assert (load.failures, set(load.answers)) == ([], {"<p>home</p>"})
    assert not {pid(name), pid(name, 1)} & {"0", *before}


def test_serve_says_what_is_wrong(pm2sd: Pm2sd, project: Project, site: Path) -> None:
    name = project.name("s")
    for words, message in (
        (("nowhere",), f"there is no directory {project.path}/nowhere"),
        (("site", "http"), "'http' is not a port"),
        (("site", "--basic-auth-username", "a"), "go together"),
    ):
        refused = pm2sd("serve", *words, "--name", name)
        assert refused.exit_status == ExitStatus.USAGE
        assert message in refused.stderr
    assert project.unit_files() == []
    port = str(free_port())
    assert pm2sd("serve", "site", port, "--name", name).exit_status == ExitStatus.OK
    again = pm2sd("serve", "site", port, "--name", name)
    assert again.exit_status == ExitStatus.FAILED
    assert f"{name} runs already" in again.stderr
    taken = pm2sd("serve", "site", port, "--name", project.name("t"))
    assert taken.exit_status == ExitStatus.FAILED
    assert f"hint: port {port}: the port is taken by " in taken.stderr
    assert f"(pid {pid(name)}, {name}@0.service)" in taken.stderr
    rss = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid(name)}/status").read_text())[0])
    assert rss < 40_000, "kB; Node takes more than that to do nothing"


def test_the_shells_variables_are_taken_as_pm2_does(
    pm2sd: Pm2sd, project: Project, site: Path
) -> None:
    port = free_port()
    env = {
        "PM2_SERVE_PORT": str(port),
        "PM2_SERVE_PATH": "site",
        "PM2_SERVE_BASIC_AUTH_USERNAME": "ada",
        "PM2_SERVE_BASIC_AUTH_PASSWORD": "lovelace",
    }
    began = pm2sd("serve", "--name", project.name("s"), env={**os.environ, **env})
    assert began.exit_status == ExitStatus.OK, began
    assert eventually(lambda: get(port, "/LICENSE"))[0] == 401
    assert get(port, "/LICENSE", Authorization="Basic YWRhOmxvdmVsYWNl")[2] == b"LICENSE"
