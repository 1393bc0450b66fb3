"""``--system``: apps in the machine's own manager, each as the user that uid names."""

from __future__ import annotations

import json
import os
import pwd
import re
from collections.abc import Iterator
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, Result, as_root, eventually, run
from integration.hook import hook
from pm2sd.errors import ExitStatus

pytestmark = pytest.mark.skipif(
    not os.environ.get("PM2SD_SANDBOX"), reason="needs root; in the sandbox there is a way to it"
)

APP = """\
const http = require('node:http');
const { HOME, S } = process.env;
console.log(`uid ${process.getuid()} gid ${process.getgid()} HOME ${HOME} ${S}`);
http.createServer((_, response) => response.end(process.env.NODE_APP_INSTANCE))
  .listen(process.env.PORT);
"""


class System:
    """pm2sd --system, as root."""

    def __init__(self, pm2sd: Pm2sd, project: Project) -> None:
        self.pm2sd, self.project = pm2sd, project
        project.path.chmod(0o755)
        for parent in project.path.parents:
            if parent.owner() == pwd.getpwuid(os.getuid()).pw_name:
                parent.chmod(0o755)

    def __call__(self, *words: str, **env: str) -> Result:
        command = self.pm2sd.command("--system", *words)
        return as_root(*command, cwd=self.project.path, env=env)

    def app(self, **options: Any) -> dict[str, Any]:
        script = self.project.write("app.js", APP)
        return {"name": self.project.name(), "script": str(script), **options}


@pytest.fixture
def system(pm2sd: Pm2sd, project: Project) -> Iterator[System]:
    one = System(pm2sd, project)
    yield one
    one("delete", f"/{project.prefix}/")
    left = as_root("ls", "/etc/systemd/system", cwd=project.path)
    assert project.prefix not in left.stdout


def test_an_app_runs_as_the_user_that_uid_names(system: System, project: Project) -> None:
    user = pwd.getpwuid(os.getuid())
    project.ecosystem(
        [
            system.app(
                uid=user.pw_name,
                gid="nogroup",
                exec_mode="cluster",
                instances=2,
                env={"PORT": 80},
                secrets={"S": "hidden"},
                error_file="logs/err.log",
            )
        ]
    )
    done = system("apply")
    assert done.exit_status == ExitStatus.OK, done
    answer = run("curl", "--silent", "http://127.0.0.1:80")
    assert answer.stdout in ("0", "1"), answer
    name = project.name()
    gid = run("getent", "group", "nogroup").stdout.split(":")[2]
    said = f"uid {user.pw_uid} gid {gid} HOME {user.pw_dir} hidden"
    eventually(lambda: said in system("logs", name, "--nostream", "--raw").stdout)
    assert (project.path / "logs").owner() == user.pw_name
    rows = system("status", "--json").json
    mine = [row for row in rows if row["name"] == name]  # other tests have apps there, too
    assert {(row["user"], row["state"]) for row in mine} == {(user.pw_name, "online")}
    assert system("reload", name).exit_status == ExitStatus.OK
    unit = f"{name}@0.service"
    assert "ActiveState=active" in run("systemctl", "show", unit).stdout
    assert run("systemctl", "is-enabled", f"{name}.target").stdout.strip() == "enabled"
    assert system("diff").exit_status == ExitStatus.OK
    # What others may read has no variables in it.
    assert run("cat", f"/etc/systemd/system/{name}@.service").exit_status != 0


def test_it_is_another_world_than_the_users_own(
    system: System, project: Project, pm2sd: Pm2sd
) -> None:
    project.ecosystem([system.app(uid="nobody", env={"PORT": 0})])
    assert system("apply").exit_status == ExitStatus.OK
    assert project.name() not in {row["name"] for row in pm2sd("jlist").json}
    assert pm2sd("stop", project.name()).exit_status == ExitStatus.NO_SUCH_APP
    described = json.loads(system("describe", project.name(), "--json").stdout)
    assert "nobody" in json.dumps(described)
    shown = system("describe", project.name()).stdout
    assert f"systemctl status {project.name()}@0.service" in shown


def test_without_uid_the_app_is_the_callers(system: System, project: Project) -> None:
    project.ecosystem([system.app(env={"PORT": 0})])
    refused = system("apply")
    assert refused.exit_status == ExitStatus.INVALID_CONFIG
    assert "an app needs a user to run as" in refused.stderr
    assert "uid: root if it has to be root" in refused.stderr
    user = pwd.getpwuid(os.getuid()).pw_name
    done = system("apply", SUDO_USER=user)
    assert done.exit_status == ExitStatus.OK, done
    assert f"it runs as {user}, who called sudo" in done.stderr
    rows = system("status", "--json").json
    assert [row["user"] for row in rows if row["name"] == project.name()] == [user]


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"uid": "no-such-user"}, "uid", "there is no user 'no-such-user'"),
        ({"uid": "nobody", "gid": "no-such-group"}, "gid", "there is no group 'no-such-group'"),
        (
            {"uid": "nobody", "health": "http://localhost:1/"},
            "health",
            "does not work with --system",
        ),
    ],
)
def test_what_cannot_be_is_an_error_at_its_place(
    system: System, project: Project, options: dict[str, Any], key: str, message: str
) -> None:
    file = project.ecosystem([system.app(**options)])
    line = next(n for n, text in enumerate(file.read_text().split("\n"), 1) if f'"{key}"' in text)
    done = system("apply", "ecosystem.yaml")
    assert done.exit_status == ExitStatus.INVALID_CONFIG
    assert re.search(rf"ecosystem\.yaml:{line}:\d+: error: .*{re.escape(message)}", done.stderr)


def test_a_webhook_is_told_by_the_apps_own_user(system: System, project: Project) -> None:
    with hook() as kept:
        app = system.app(uid="nobody", autorestart=False, on_failure=kept.url)
        project.write("app.js", "process.exit(7);")
        project.ecosystem([app])
        assert system("apply").exit_status == ExitStatus.FAILED
        eventually(lambda: bool(kept.bodies))
    assert (kept.bodies[0]["app"], kept.bodies[0]["exit_code"]) == (app["name"], 7)


def test_others_than_root_are_told_what_to_type(pm2sd: Pm2sd, project: Project) -> None:
    done = pm2sd("status", "--system")
    assert done.exit_status == ExitStatus.FAILED
    assert "which only root may see and change" in done.stderr
    assert "sudo pm2sd status --system" in done.stderr


def test_its_boot_and_its_doctor_are_the_machines(system: System, project: Project) -> None:
    name = project.name()
    project.ecosystem([system.app(uid="nobody", env={"PORT": 0})])
    applied = system("apply")
    assert applied.exit_status == ExitStatus.OK, applied
    assert "warning" not in applied.stderr, "nobody has to linger for it"
    for command, state in (("unstartup", "disabled"), ("startup", "enabled")):
        assert system(command).exit_status == ExitStatus.OK
        assert run("systemctl", "is-enabled", f"{name}.target").stdout.strip() == state
    assert system("save").exit_status == ExitStatus.OK
    assert system("set", "pm2-logrotate:retain", "3").exit_status == ExitStatus.USAGE
    assert "answers as the machine's manager" in system("ping").stdout

    assert as_root("systemctl", "disable", f"{name}.target", cwd=project.path).exit_status == 0
    unit = f"/etc/systemd/system/{name}@.service"

    def edit(old: str, new: str) -> None:
        done = as_root("sed", "-i", f"s/^{old}$/{new}/", unit, cwd=project.path)
        assert done.exit_status == 0, done

    edit("Restart=always", "Restart=no")
    found = system("doctor", name, "--json").json["checks"]
    assert not {"linger", "user-bus", "runtime-dir"} & {one["check"] for one in found}
    hints = {one["check"]: one["hint"] for one in found}
    assert "exposure" in {one["check"]: one["message"] for one in found}["hardening"]
    assert hints["enabled"] == f"systemctl enable {name}.target"
    assert hints["unread"] == "systemctl daemon-reload"
    assert "pm2sd --system apply" in hints["edited"]
    fixed = system("doctor", name, "--fix", "--json").json["fixed"]
    assert fixed == ["systemd has read the unit files again"]
    edit("Restart=no", "Restart=always")


def test_its_report_tells_of_no_user_who_lingers(system: System, pm2sd: Pm2sd) -> None:
    report = json.loads(system("report", "--json").stdout)
    assert report["unit_directory"] == "/etc/systemd/system"
    assert "lingers" not in report
    assert pm2sd("report", "--json").json["lingers"] in ("yes", "no")
