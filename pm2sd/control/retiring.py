"""What is left of PM2 once its apps are moved: its dump, its daemon, its place in the boot."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Iterator
from pathlib import Path

from pm2sd.control.migration import UP, Move
from pm2sd.control.pm2 import Pm2, dump_file
from pm2sd.errors import Pm2sdError
from pm2sd.moving.processes import read_processes
from pm2sd.systemd.user import lingers

_BOOT_UNITS = Path("/etc/systemd/system")


def keep_stopped(pm2: Pm2, move: Move) -> None:
    """Have PM2 not start a moved app at boot, if it would: its list is saved again.

    The dump as it was is kept beside it, as ``dump.pm2.before-pm2sd``.
    """
    dump = dump_file()
    try:
        saved = read_processes(dump.read_text(errors="replace"), str(dump))
    except (OSError, Pm2sdError):
        return
    names = {process.name for process in move.running}
    if not any(process.name in names and process.status in UP for process in saved):
        return
    before = dump.with_name(f"{dump.name}.before-pm2sd")
    if not before.exists():
        shutil.copy2(dump, before)
        before.chmod(0o600)
    pm2.save()


def advice(pm2: Pm2) -> Iterator[str]:
    """How to retire PM2, or what it still runs."""
    processes = pm2.processes()
    left = dict.fromkeys(p.name for p in processes if p.status in UP and not p.is_module)
    user = getpass.getuser()
    if not lingers(user):
        yield "so that the apps start at boot and outlive your sessions: pm2sd startup"
    if left:
        yield f"PM2 still runs {', '.join(left)}; its daemon has to stay for these"
        return
    modules = dict.fromkeys(p.name for p in processes if p.is_module)
    ends = f" and its modules ({', '.join(modules)})" if modules else ""
    yield f"PM2 runs none of your apps any more. To retire it{ends}:"
    yield "  pm2 kill                       # ends its daemon; your apps are not its any more"
    if (_BOOT_UNITS / f"pm2-{user}.service").exists():
        yield "  pm2 unstartup systemd          # prints the command that takes it out of the boot"
    yield "  npm uninstall --global pm2     # once you are sure"
    yield f"  {pm2.home} keeps its old logs and its dump"
