"""pystemd is loaded without what it drags along, and can still be imported whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(script: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", script],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LOAD = "import sys; from pm2sd.systemd import pystemd_raw; lib, errors = pystemd_raw.load(); "


def test_nothing_else_of_pystemd_is_imported() -> None:
    out = run(
        LOAD + "print(sorted(m for m in sys.modules if m.startswith(('pystemd', 'lxml', 'uuid'))))"
    )
    assert out == "['pystemd.dbusexc', 'pystemd.dbuslib']\n"


def test_the_loaded_modules_work_together() -> None:
    out = run(
        LOAD + "bus = lib.DBusAddress(b'unix:path=/nonexistent', peer_to_peer=True)\n"
        "try: bus.open()\n"
        "except errors.DBusBaseError as error: print(type(error).__name__)\n"
        "print(lib.apply_signature(b's', ['text']), lib.path_encode(b'/a', b'b.c'))\n"
    )
    assert out == "DBusFileNotFoundError\n[(115, 'text')] b'/a/b_2ec'\n"


def test_all_of_pystemd_can_be_imported_afterwards() -> None:
    out = run(
        LOAD + "import pystemd, pystemd.utils; "
        "print(pystemd.systemd1.Manager.__name__, pystemd.utils.str2cmd('/bin/true')[0], "
        "sys.modules['pystemd.dbuslib'] is lib)"
    )
    assert out == "Manager b'/bin/true' True\n"


def test_pystemd_that_is_already_there_is_used() -> None:
    out = run(
        "import pystemd.dbuslib; " + LOAD + "print(lib is pystemd.dbuslib, errors.DBusBaseError)"
    )
    assert out.startswith("True ")


def test_a_pystemd_that_needs_more_is_imported_the_ordinary_way() -> None:
    # As if a later release took another name from its utils: the stand-in lacks this one.
    out = run(
        "from pm2sd.systemd import pystemd_raw as raw\n"
        "real = raw.ModuleType\n"
        "class Poor(real):\n"
        "    def __getattribute__(self, name):\n"
        "        if name == 'x2char_star': raise AttributeError(name)\n"
        "        return super().__getattribute__(name)\n"
        "raw.ModuleType = Poor\n"
        "import sys; lib, errors = raw.load()\n"
        "print(lib.DBusAddress.__name__, 'lxml' in sys.modules)"
    )
    assert out == "DBusAddress True\n"


def test_a_missing_pystemd_is_told_with_a_remedy() -> None:
    out = run(
        "from pm2sd.errors import Pm2sdError\n"
        "from pm2sd.systemd import pystemd_raw\n"
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]\n"
        "try: pystemd_raw.load()\n"
        "except Pm2sdError as error: print(error.message, '|', error.hint)\n"
    )
    assert out.startswith("pystemd cannot be loaded: No module named 'pystemd' | install")


def test_what_status_needs_imports_nothing_heavy() -> None:
    out = run(
        "import sys\n"
        "from pm2sd.systemd import bus, cgroup, paths, pystemd_raw, unit_files\n"
        "pystemd_raw.load()\n"
        "heavy = {'psutil', 'jinja2', 'yaml', 'subprocess', 'asyncio', 'logging', 'lxml',"
        " 'typer', 'rich', 'uuid', 'tempfile', 'shutil'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert out == "[]\n"
