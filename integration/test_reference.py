"""init, schema, explain and version."""

from __future__ import annotations

import platform
from pathlib import Path

import jsonschema
import pytest

from integration.harness import Pm2sd, Project, systemctl
from pm2sd import __version__
from pm2sd.errors import ExitStatus

FILES = {"js": "ecosystem.config.js", "yaml": "ecosystem.yaml", "json": "ecosystem.json"}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("extent", [(), ("simple",)])
def test_init_writes_a_file_that_apply_takes(
    pm2sd: Pm2sd, project: Project, kind: str, extent: tuple[str, ...]
) -> None:
    written = pm2sd("init", *extent, "--format", kind)
    assert written.exit_status == ExitStatus.OK, written
    assert FILES[kind] in written.stdout
    project.write("app.js", "setInterval(() => {}, 1000)\n")
    env = () if extent else ("--env", "production")
    planned = pm2sd("apply", "--dry-run", *env)
    assert planned.exit_status == ExitStatus.OK, planned
    assert "app" in planned.stdout
    assert "error" not in planned.stderr


def test_init_writes_javascript_by_default_and_overwrites_nothing(
    pm2sd: Pm2sd, project: Project
) -> None:
    assert pm2sd("ecosystem").exit_status == ExitStatus.OK
    path = project.path / "ecosystem.config.js"
    path.write_text("mine")
    again = pm2sd("init")
    assert again.exit_status == ExitStatus.FAILED
    assert "exists already" in again.stderr
    assert path.read_text() == "mine"


def test_init_says_where_it_cannot_write(pm2sd: Pm2sd, project: Project) -> None:
    closed = project.path / "closed"
    closed.mkdir(mode=0o500)
    result = pm2sd("init", cwd=closed)
    assert result.exit_status == ExitStatus.FAILED
    assert f"cannot write {closed / 'ecosystem.config.js'}: Permission denied" in result.stderr


def test_schema_is_a_json_schema(pm2sd: Pm2sd) -> None:
    schema = pm2sd("schema").json
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"apps": [{"script": "app.js", "instances": 2}]})
    assert not validator.is_valid({"apps": [{"script": "app.js", "instances": []}]})


def test_explain_tells_of_options_and_knows_aliases(pm2sd: Pm2sd) -> None:
    by_alias = pm2sd("explain", "maxMemoryRestart")
    assert by_alias.exit_status == ExitStatus.OK
    assert by_alias.stdout == pm2sd("explain", "max_memory_restart").stdout
    assert "MemoryMax=" in by_alias.stdout
    two = pm2sd("explain", "cwd", "env").stdout
    assert "WorkingDirectory=" in two
    assert "Environment=" in two
    everything = pm2sd("explain")
    assert everything.exit_status == ExitStatus.OK
    assert "\n  cron_restart  " in everything.stdout
    assert len(pm2sd("explain", "--json").json) > 80
    unknown = pm2sd("explain", "instnces")
    assert unknown.exit_status == ExitStatus.USAGE
    assert "'instances'" in unknown.stderr


def test_version_names_what_works_together(pm2sd: Pm2sd, tmp_path: Path) -> None:
    systemd = systemctl("show", "--property=Version", "--value").stdout.strip()
    assert pm2sd("version").stdout.splitlines() == [
        f"pm2sd {__version__}",
        f"systemd {systemd}",
        f"Python {platform.python_version()}",
    ]
    assert pm2sd("version", "--json").json == {
        "pm2sd": __version__,
        "systemd": systemd,
        "python": platform.python_version(),
    }
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": None}
    without = pm2sd("version", env=nowhere)
    assert without.exit_status == ExitStatus.OK
    assert "systemd unknown: " in without.stdout
    assert pm2sd("--version").stdout == f"{__version__}\n"
