"""What is gathered of an app without a manager, from its files alone."""

from __future__ import annotations

from pathlib import Path

from pm2sd.ecosystem.app import App
from pm2sd.observe.doctor.apps import gather_apps
from pm2sd.observe.doctor.facts import AppFacts
from pm2sd.observe.known import Known
from pm2sd.observe.needed import missing
from pm2sd.plan.stored import Stored, StoredApp
from pm2sd.systemd.unit_files import UnitDirectory

PROBE = "pm2sd-probe"


def gathered(directory: Path, files: dict[str, str]) -> AppFacts:
    """The facts about an app that has these files in a directory of units."""
    app = App(name="web", script="/bin/sh", command=("/bin/sh",), cwd="/")
    record = {"Record": app.to_json(), "Notes": "[]", "TranslationNotes": "[]"}
    apps = {"web": StoredApp("web", "default", "fork", (0,), record, files)}
    (facts,) = gather_apps(None, Known(UnitDirectory(directory), Stored(apps)), apps, (), ())
    return facts


def test_the_programs_beside_the_units_are_missed_where_a_unit_names_them(tmp_path: Path) -> None:
    unit = f"[Service]\nExecStart=:/bin/sh {tmp_path}/{PROBE} alerts\n"
    facts = gathered(tmp_path, {"web:alerts.service": unit, "web@.service": ""})
    assert facts.missing == ((f"the directory of checks {tmp_path}/{PROBE} is gone", ""),)
    (tmp_path / PROBE).mkdir()
    assert gathered(tmp_path, {"web:alerts.service": unit, "web@.service": ""}).missing == ()


def test_a_unit_file_that_somebody_removed_is_missed(tmp_path: Path) -> None:
    assert gathered(tmp_path, {}).missing == (
        (f"the unit file {tmp_path}/web@.service is gone", ""),
    )


def test_a_program_that_may_not_be_executed_is_not_gone(tmp_path: Path) -> None:
    script = tmp_path / "a b.sh"
    script.write_text("#!/bin/sh\n")
    app = App(name="web", script=str(script), command=(str(script),), cwd="/", interpreter="none")
    record = {"Record": app.to_json(), "Notes": "[]", "TranslationNotes": "[]"}
    stored = StoredApp("web", "default", "fork", (0,), record, {"web@.service": ""})
    problem = f"the program {script} may not be executed"
    assert list(missing(stored, tmp_path)) == [(problem, f"chmod +x '{script}'")]
    script.chmod(0o755)
    assert list(missing(stored, tmp_path)) == []
    script.write_text("#!/gone/bin/python3 -u\n")
    problem = f"the first line of {script} asks for /gone/bin/python3, which is gone"
    assert list(missing(stored, tmp_path)) == [(problem, "")]
    script.unlink()
    assert list(missing(stored, tmp_path)) == [(f"the program {script} is gone", "")]


def test_a_helpers_program_and_the_python_that_it_runs_are_looked_for(tmp_path: Path) -> None:
    unit = '[Service]\nExecStart=:/bin/sh -c "exec \\"$@\\"" x "/gone by/python3" -m pm2sd 100%%\n'
    facts = gathered(tmp_path, {"web:memory.service": unit, "web@.service": unit})
    assert facts.stale_helpers == (("web:memory.service", "/gone by/python3"),)
