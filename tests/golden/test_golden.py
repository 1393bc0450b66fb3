"""Ecosystem files and the units and notes they become, side by side in this directory.

``PM2SD_GOLDEN_UPDATE=1`` writes the expected files anew; read the diff before you commit it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.document import document
from pm2sd.ecosystem.read import read
from pm2sd.ecosystem.resolve import resolve_all
from pm2sd.translate.restart import RESTART_STEPS_SINCE
from pm2sd.translate.target import DEFAULT_NAMESPACE, namespace_target
from pm2sd.translate.translation import translate
from pm2sd.units.render import render

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/input"))
SYSTEMD_VERSIONS = (252, 257)
APP_DIRECTORY = "/srv/app"
PROGRAMS = {
    name: f"/usr/bin/{name}"
    for name in ("node", "npm", "java", "bash", "sh", "python3", "env", "authbind")
}


@dataclass
class FixedMachine:
    """The same machine everywhere: four CPUs, a few programs, the case's files in /srv/app."""

    files: Path
    home: str = "/home/ada"
    cwd: str = APP_DIRECTORY
    user: str = "ada"
    uid: int = 1815
    group: str = "ada"
    gid: int = 1815
    system: bool = False
    target: int | None = None

    environ: Mapping[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/ada"}
    )

    def _here(self, path: str) -> Path | None:
        inside = path == APP_DIRECTORY or path.startswith(f"{APP_DIRECTORY}/")
        return self.files / path[len(APP_DIRECTORY) + 1 :] if inside else None

    def is_calendar_event(self, text: str) -> bool:
        return True

    def user_name(self, name_or_uid: str) -> str | None:
        return name_or_uid

    def group_name(self, name_or_gid: str) -> str | None:
        return name_or_gid

    def cpu_count(self) -> int:
        return 4

    def which(self, program: str, path: str | None = None) -> str | None:
        return PROGRAMS.get(program)

    def is_file(self, path: str) -> bool:
        here = self._here(path)
        return here.is_file() if here else path in PROGRAMS.values()

    def is_directory(self, path: str) -> bool:
        here = self._here(path)
        return bool(here and here.is_dir())

    def is_executable(self, path: str) -> bool:
        here = self._here(path)
        return os.access(here, os.X_OK) if here else path in PROGRAMS.values()

    def directives(self, section: str) -> frozenset[str]:
        return frozenset()

    def gains_privileges(self, path: str) -> bool:
        return path == "/usr/bin/authbind"

    def head(self, path: str, size: int) -> bytes:
        here = self._here(path)
        return here.read_bytes()[:size] if here and here.is_file() else b""

    def read(self, path: str) -> bytes | None:
        here = self._here(path)
        return here.read_bytes() if here and here.is_file() else None

    def list_directory(self, path: str) -> tuple[str, ...]:
        here = self._here(path)
        return tuple(sorted(os.listdir(here))) if here and here.is_dir() else ()


@pytest.fixture(autouse=True)
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that pm2sd runs with, which its own helpers are run with too."""
    monkeypatch.setattr(sys, "executable", PROGRAMS["python3"])
    monkeypatch.setattr(sys, "_base_executable", PROGRAMS["python3"])


def translated(case: str, systemd: int) -> dict[str, str]:
    """The case's files by name: its units without the record of the app, and its notes."""
    folder = HERE / case / "input"
    (file,) = [path for path in folder.iterdir() if path.name.startswith("ecosystem.")]
    source = read(str(file), stdin=None)
    found = [declare(node, source) for node in document(source).apps]
    assert [problem for _, problems in found for problem in problems] == []
    resolved = resolve_all(
        [one for one, _ in found],
        machine=FixedMachine(folder),
        base=APP_DIRECTORY,
        source=source,
        env_name="production" if "env_production" in source.text else None,
    )
    assert resolved.problems == ()
    files: dict[str, str] = {}
    notes: list[str] = []
    members: dict[str, list[str]] = {}
    for app, app_notes in resolved.apps:
        result = translate(
            app,
            systemd=systemd,
            unit_directory="/home/ada/.config/systemd/user",
            manager_directory="/run/user/1815",
            ids=range(app.instances),
            notes=app_notes,
        )
        for unit in result.units:
            rendered = render(unit)
            files[rendered.path] = rendered.text
        members.setdefault(app.namespace, []).append(app.name)
        notes += [f"{app.name}: {n.option} ({n.fidelity}): {n.text}" for n in result.notes]
    for namespace, apps in members.items():
        if namespace != DEFAULT_NAMESPACE:
            rendered = render(namespace_target(namespace, apps))
            files[rendered.path] = rendered.text
    shown = {path: _without_record(text) for path, text in files.items()}
    return shown | {"notes.txt": "".join(f"{note}\n" for note in notes)}


def _without_record(text: str) -> str:
    return text.partition("[X-Pm2sd]")[0].rstrip("# \n") + "\n"


def expected(case: str, systemd: int) -> Path:
    return HERE / case / f"expected-{systemd}"


def read_tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("systemd", SYSTEMD_VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_units_and_notes_are_the_expected_ones(case: str, systemd: int) -> None:
    result = translated(case, systemd)
    folder = expected(case, systemd)
    if os.environ.get("PM2SD_GOLDEN_UPDATE"):
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in result.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    assert result == read_tree(folder)


@pytest.mark.parametrize(("version", "like"), [(245, 252), (249, 252), (253, 257), (254, 257)])
@pytest.mark.parametrize("case", CASES)
def test_other_versions_get_the_units_of_a_neighbour(case: str, version: int, like: int) -> None:
    if (case, version) == ("backoff", RESTART_STEPS_SINCE - 1):
        like = 252
    assert units(translated(case, version)) == units(read_tree(expected(case, like)))


def units(files: Mapping[str, str]) -> dict[str, str]:
    """Without the notes, which say what an older version cannot do."""
    return {path: text for path, text in files.items() if path != "notes.txt"}


def installed_systemd() -> int:
    said = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True)
    return int(said.stdout.split()[1])


@pytest.mark.parametrize("case", CASES)
def test_units_pass_systemd_analyze_verify(case: str, tmp_path: Path) -> None:
    """On 252 verify exits 0 on unknown keys, so an empty stderr is the check."""
    version = 257 if installed_systemd() >= 257 else 252
    units = tmp_path / "units"
    shutil.copytree(expected(case, version), units)
    (units / "notes.txt").unlink()
    # verify takes what follows a colon for an alias.
    services = sorted(
        path if ":" not in path.name else shutil.copy(path, units / path.name.replace(":", "_"))
        for path in list(units.iterdir())
        if path.is_file()
    )
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", *services],
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
            "SYSTEMD_UNIT_PATH": f"{units}:",
        },
    )
    assert (done.returncode, done.stderr) == (0, "")
