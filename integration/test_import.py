"""What PM2 runs, written as an ecosystem file, runs the same under systemd."""

from __future__ import annotations

import base64
import json
import os
import pwd
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually
from integration.pm2 import Pm2

ODD = "a\nb 'c' \"d\" `e` \\n $HOME %i #x"

# What the two put into an environment themselves, and what a terminal session has.
OF_PM2 = re.compile(r"PM2_.*|unique_id|NODE_APP_INSTANCE|NODE_CHANNEL_.*|axm_.*|pm_.*")
OF_SYSTEMD = re.compile(
    r"INVOCATION_ID|JOURNAL_STREAM|MANAGERPID|SYSTEMD_EXEC_PID|MEMORY_PRESSURE_.*|LISTEN_.*"
    r"|NOTIFY_SOCKET|QT_.*|XDG_.*|DBUS_.*|CREDENTIALS_DIRECTORY|USER|LOGNAME|HOME|SHELL|PATH|LANG|PWD"
)


@pytest.fixture
def imported(pm2: Pm2, pm2sd: Pm2sd, project: Project) -> dict[str, str]:
    """The same list of PM2's, imported from its dump, jlist and prettylist: the files by source."""
    script = project.script("dump.py")
    apps = [
        {
            "name": project.name("one"),
            "script": script,
            "args": ["--x", "b c", ODD],
            "cwd": str(project.path),
            "env": {
                "DUMP_TO": str(project.path / "one.json"),
                "ODD": ODD,
                "EMPTY": "",
                "NUMBER": 12,
                "ZEROS": "007",
                "DB_PASSWORD": "p#ss 'w\"",
                "PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n",
                "QUOTED_TOKEN": "'\"`",
                "WINDOWS_TOKEN": "one\r\ntwo",
            },
            "max_memory_restart": "200M",
            "kill_timeout": 3000,
            "out_file": str(project.path / "logs/one.log"),
            "time": True,
        },
        {
            "name": project.name("two"),
            "script": f"{project.script('talks.py')} 1 && exec sleep 1000",
            "namespace": project.name("ns"),
            "autorestart": False,
            "stop_exit_codes": [0, 3],
        },
        {
            "name": project.name("many"),
            "script": project.script("talks.py"),
            "args": "1",
            "interpreter_args": "-u",
            "instances": 3,
            "increment_var": "NUMBER",
            "env": {"NUMBER": 40},
        },
    ]
    project.write("pm2.json", json.dumps({"apps": apps}))
    assert pm2("start", "pm2.json", cwd=project.path).exit_status == 0
    eventually((project.path / "one.json").exists)
    assert pm2("stop", project.name("two")).exit_status == 0
    pm2("save")
    sources = {
        "dump": (pm2.home / "dump.pm2").read_text(),
        "jlist": pm2("jlist").stdout,
        "prettylist": "[PM2] Spawning PM2 daemon\n" + pm2("prettylist").stdout,
    }
    files = {}
    for source, text in sources.items():
        done = pm2sd("import", "-", "-o", f"{source}.yaml", "--force", input=text)
        assert done.exit_status == 0, done
        files[source] = (project.path / f"{source}.yaml").read_text()
    return files


def test_every_source_says_the_same(imported: dict[str, str]) -> None:
    assert imported["dump"] == imported["jlist"] == imported["prettylist"]


def test_the_file_is_as_one_would_write_it(imported: dict[str, str], project: Project) -> None:
    text = imported["dump"]
    _, _, apps = text.partition("apps:\n")
    assert "p#ss" not in text
    assert "pm_exec_path" not in text
    assert "merge_logs" not in text
    many, _, env = apps.split("  - name: ")[3].partition("    env:\n")
    assert [line.strip() for line in many.splitlines()[1:]] == [
        f"script: {project.script('talks.py')}",
        'args: ["1"]',
        "node_args: [-u]",
        f"cwd: {project.path}",
        "instances: 3",
        "increment_var: NUMBER",
    ]
    assert "      NUMBER: 40\n" in env
    assert "autostart: false" in apps.split("  - name: ")[2]
    for secrets in (project.path / "secrets").iterdir():
        assert secrets.stat().st_mode & 0o777 == 0o600
    # No environment file can hold a carriage return: that secret stays here, which is private then.
    assert (project.path / "dump.yaml").stat().st_mode & 0o777 == 0o600


def test_what_is_imported_runs_the_same(
    imported: dict[str, str], pm2: Pm2, pm2sd: Pm2sd, project: Project
) -> None:
    record = project.path / "one.json"
    before = decoded(record)
    pm2("kill")
    record.unlink()
    applied = pm2sd("apply", "dump.yaml")
    assert applied.exit_status == 0, applied
    eventually(record.exists)
    after = decoded(record)
    assert after["argv"] == before["argv"]
    assert after["cwd"] == before["cwd"]
    assert own(after["environ"]) == own(before["environ"], project.name("one"))
    states = {row["name"]: row["state"] for row in pm2sd("status", "--json").json}
    assert states[project.name("two")] == "stopped"
    assert states[project.name("many")] == "online"
    for number in range(3):
        shown = pm2sd("env", f"{project.name('many')}@{number}").stdout
        assert re.search(rf"^NUMBER\W+{40 + number}$", shown, re.MULTILINE), shown


def own(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    """The variables that neither PM2 nor systemd nor the session is the source of."""
    session = {"OLDPWD", "SHLVL", "TERM", "_", "PYTHONUNBUFFERED", "COLUMNS", "LINES"}
    return {
        name: value
        for name, value in environ.items()
        if not (OF_PM2.fullmatch(name) or OF_SYSTEMD.fullmatch(name))
        and name not in (*session, *names)
        and not is_option(name)
    }


def is_option(name: str) -> bool:
    """Whether PM2 made a variable of an option or of its own state."""
    return name in {
        *("name", "namespace", "status", "version", "versioning", "node_version", "username"),
        *("exec_mode", "exec_interpreter", "instance_var", "autostart", "autorestart", "treekill"),
        *("pmx", "automation", "vizion", "vizion_running", "windowsHide", "km_link", "time"),
        *("kill_timeout", "kill_retry_time", "max_memory_restart", "log_date_format", "args"),
        *("node_args", "merge_logs", "created_at", "restart_time", "unstable_restarts", "cwd"),
        *("instances", "env", "watch", "filter_env", "exit_code", "prev_restart_delay"),
    }


def decoded(path: Path) -> dict[str, Any]:
    """What dump.py was given."""
    found = json.loads(path.read_text())

    def text(value: str) -> str:
        return base64.b64decode(value).decode()

    return {
        "argv": [text(word) for word in found["argv"]],
        "environ": {text(name): text(value) for name, value in found["environ"].items()},
        "cwd": text(found["cwd"]),
    }


def test_the_running_pm2_is_asked(pm2: Pm2, pm2sd: Pm2sd, project: Project) -> None:
    from integration.pm2 import BINARY

    name = project.name("live")
    pm2("start", project.script("talks.py"), "--name", name, "--", "1")
    environ = {**pm2.environment(), "PATH": f"/usr/local/bin:/usr/bin:/bin:{BINARY.parent}"}
    done = pm2sd("import", "--live", env=environ)
    assert done.exit_status == 0, done
    assert f"name: {name}" in (project.path / "ecosystem.yaml").read_text()
    again = pm2sd("import", "--live", env=environ)
    assert again.exit_status == 1
    assert "exists already" in again.stderr
    shown = pm2sd("import", "--live", "-o", "-", env=environ)
    assert shown.stdout == (project.path / "ecosystem.yaml").read_text()


def dump(project: Project, script: Path) -> Path:
    """A dump with one app, as small as PM2's can be."""
    entry = {"name": project.name(), "pm_exec_path": str(script), "pm_cwd": str(project.path)}
    return project.write("dump.pm2", json.dumps([{**entry, "env": {}, "status": "online"}]))


def test_a_file_that_would_not_apply_is_written_and_told(pm2sd: Pm2sd, project: Project) -> None:
    done = pm2sd("import", dump(project, project.path / "gone.py"))
    assert done.exit_status == 5, done
    assert "would not apply yet" in done.stderr
    assert "script not found" in done.stderr
    assert (project.path / "ecosystem.yaml").exists()


def test_what_cannot_be_imported(pm2sd: Pm2sd, project: Project) -> None:
    home = {"PM2_HOME": str(project.path / "nothing")}
    missing = pm2sd("import", env=home)
    assert (missing.exit_status, "--live" in missing.stderr) == (1, True), missing
    nobody = pm2sd("import", "--live", env=home)
    assert (nobody.exit_status, "PM2 does not run" in nobody.stderr) == (1, True), nobody
    both = pm2sd("import", "--live", "dump.pm2", env=home)
    assert both.exit_status == 2, both
    broken = pm2sd("import", "-", input='[{"name": "a"', env=home)
    assert (broken.exit_status, "cut off" in broken.stderr) == (5, True), broken
    empty = pm2sd("import", "-", input="[]", env=home)
    assert (empty.exit_status, "no app" in empty.stderr) == (1, True), empty
    script = pm2sd("import", dump(project, project.path / "a.py"), "-o", "ecosystem.config.js")
    assert (script.exit_status, "YAML" in script.stderr) == (1, True), script
    assert [path.name for path in project.path.iterdir()] == ["dump.pm2"]


@pytest.mark.skipif("PM2SD_SANDBOX" not in os.environ, reason="it would change your own profile")
def test_what_a_login_shell_has_is_left_out(pm2: Pm2, pm2sd: Pm2sd, project: Project) -> None:
    profile = Path(pwd.getpwuid(os.getuid()).pw_dir, ".profile")
    profile.write_text("echo welcome\nexport COMPANY=acme PLACE=here NODE_ENV=production\n")
    try:
        shell = {"COMPANY": "acme", "PLACE": "there", "NODE_ENV": "production", "OWN": "x"}
        pm2("start", project.script("talks.py"), "--name", project.name(), "--", "1", env=shell)
        listed = pm2("jlist").stdout
        text = pm2sd("import", "-", "-o", "-", input=listed).stdout
    finally:
        profile.unlink()
    assert "# Left out, the same in your login environment: COMPANY\n" in text
    assert "acme" not in text
    for kept in ("PLACE: there", "NODE_ENV: production", "OWN: x"):
        assert f"      {kept}\n" in text
