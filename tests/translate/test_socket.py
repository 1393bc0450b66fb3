"""Sockets and the preload's variables, from apps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pm2sd.ecosystem.app import App
from pm2sd.translate.node import node_environment
from pm2sd.translate.translation import translate
from pm2sd.units.mark import sections
from pm2sd.units.render import render

DIRECTORY = "/home/ada/.config/systemd/user"


def app(**options: Any) -> App:
    values = {"name": "web", "script": "web.js", "command": ("/usr/bin/node", "/srv/web.js")}
    return App(**{**values, "interpreter": "/usr/bin/node", "cwd": "/srv", **options})


def units(one: App) -> dict[str, dict[tuple[str, str], list[str]]]:
    """Path -> (section, directive) -> values."""
    translation = translate(
        one,
        systemd=252,
        unit_directory=DIRECTORY,
        manager_directory="/run",
        ids=range(one.instances),
    )
    found: dict[str, dict[tuple[str, str], list[str]]] = {}
    for file in map(render, translation.units):
        for section, directives in sections(file.text).items():
            for name, value in directives:
                found.setdefault(file.path, {}).setdefault((section, name), []).append(value)
    return found


def preload(one: App) -> dict[str, Any]:
    (line,) = [
        value
        for value in units(one)["web@.service"]["Service", "Environment"]
        if "PM2SD_NODE=" in value
    ]
    settings = json.loads(line[1:-1].replace('\\"', '"').removeprefix("PM2SD_NODE="))
    assert isinstance(settings, dict)
    return settings


def test_all_instances_inherit_one_socket() -> None:
    one = units(app(instances=2, listen=("3000", "[::1]:3001", "/run/a %b.sock"), backlog=99))
    socket, service = one["web.socket"], one["web@.service"]
    assert socket["Socket", "ListenStream"] == ["3000", "[::1]:3001", "/run/a %%b.sock"]
    assert socket["Socket", "Backlog"] == ["99"]
    assert socket["Socket", "Service"] == ["web:socket.service"]
    assert socket["Unit", "PartOf"] == ["web.target"]
    assert service["Service", "Sockets"] == service["Unit", "Requires"] == ["web.socket"]
    assert service["Service", "NonBlocking"] == ["yes"]
    assert "web.socket" in one["web.target"]["Unit", "Wants"]
    assert one["web:socket.service"]["Unit", "BindsTo"] == ["web.socket"]


def test_reuse_port_opens_one_for_each_instance() -> None:
    one = units(app(instances=2, listen=("3000",), reuse_port=True))
    assert one["web@.socket"]["Socket", "ReusePort"] == ["yes"]
    assert ("Socket", "Service") not in one["web@.socket"]
    assert one["web@.service"]["Service", "Sockets"] == ["web@%i.socket"]
    assert {"web@0.socket", "web@1.socket"} <= set(one["web.target"]["Unit", "Wants"])


def test_an_app_that_listens_nowhere_has_no_socket() -> None:
    one = units(app())
    assert not [path for path in one if "socket" in path]
    assert ("Service", "Sockets") not in one["web@.service"]


def test_the_preload_is_told_what_it_has_to_do() -> None:
    assert preload(app()) == {}
    assert preload(app(listen=("3000",), backlog=7)) == {"listen": ["3000"], "backlog": 7}
    assert preload(app(kill_signal="SIGUSR2")) == {"kill_signal": "SIGUSR2"}
    assert preload(app(kill_signal="SIGKILL")) == {}
    assert preload(app(shutdown_with_message=True)) == {"shutdown_with_message": True}


@pytest.mark.parametrize(
    ("directory", "option"),
    [
        ("/home/ada", "--require /home/ada/pm2sd-preload.cjs"),
        ('/home/"a" b', r'--require "/home/\"a\" b/pm2sd-preload.cjs"'),
    ],
)
def test_the_apps_own_node_options_are_kept(directory: str, option: str) -> None:
    one = app(env={"NODE_OPTIONS": "--max-old-space-size=99"})
    options = node_environment(one, directory, None)["NODE_OPTIONS"]
    assert options == f"--max-old-space-size=99 {option}"


@pytest.mark.parametrize(
    ("command", "loaded"),
    [
        (("/usr/bin/npm", "start"), True),
        (("/bin/bash", "-c", "cd web && npm run start"), True),
        (("/bin/bash", "-c", "node web.js"), True),
        (("/usr/bin/python3", "web.py"), False),
        (("/srv/nodes",), False),
    ],
)
def test_launchers_of_node_have_the_preload_too(command: tuple[str, ...], loaded: bool) -> None:
    one = app(interpreter="none", command=command)
    environment = units(one)["web@.service"]["Service", "Environment"]
    assert any("--require" in value for value in environment) == loaded


@pytest.mark.parametrize(
    "option", [{"wait_ready": True}, {"shutdown_with_message": True}, {"listen": ("3000",)}]
)
def test_a_shell_script_that_may_need_it_has_the_preload(option: dict[str, Any]) -> None:
    def loaded(**options: Any) -> bool:
        one = app(interpreter="/bin/bash", command=("/bin/bash", "/srv/start.sh"), **options)
        environment = units(one)["web@.service"]["Service", "Environment"]
        return any("--require" in value for value in environment)

    assert loaded(**option)
    assert not loaded()


def test_wait_ready_is_notify_in_every_language() -> None:
    for one in (
        app(wait_ready=True),
        app(wait_ready=True, interpreter="none", command=("/srv/x",)),
    ):
        service = units(one)["web@.service"]
        assert service["Service", "Type"] == ["notify"]
        assert service["Service", "NotifyAccess"] == ["all"]
        assert service["Service", "TimeoutStartSec"] == ["3000ms"]
