"""The examples for Python's servers: sockets that systemd holds, under light load."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.clients import Load
from integration.harness import Pm2sd, Project, eventually, free_port, systemctl
from pm2sd.errors import ExitStatus

EXAMPLES = Path(__file__).parent.parent / "examples" / "python"
APPS: dict[str, dict[str, Any]] = {
    app["name"]: app for app in yaml.safe_load((EXAMPLES / "ecosystem.yaml").read_text())["apps"]
}


@pytest.mark.parametrize("name", APPS)
def test_nothing_is_lost_while_it_is_reloaded(pm2sd: Pm2sd, project: Project, name: str) -> None:
    shutil.copytree(EXAMPLES, project.path, dirs_exist_ok=True)
    # Where this interpreter finds the packages.
    project.write(".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n').chmod(0o755)
    gunicorn = f'#!/bin/sh\nexec {sys.executable} -m gunicorn "$@"\n'
    project.write(".venv/bin/gunicorn", gunicorn).chmod(0o755)
    port = free_port()
    app = {**APPS[name], "name": project.name(name), "listen": port}
    done = pm2sd("apply", project.ecosystem([app]))
    assert done.exit_status == ExitStatus.OK, done
    with Load(port, clients=4) as load:
        assert pm2sd("reload", app["name"]).exit_status == ExitStatus.OK
        assert systemctl("restart", f"{app['name']}@0.service").exit_status == 0
        eventually(lambda: load.count > 500)
        eventually(lambda: len(load.answers) > 2)  # processes that answered
    assert load.failures == []
