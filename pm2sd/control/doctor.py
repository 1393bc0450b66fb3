"""What ``doctor --fix`` does: only what stops nothing, loses nothing and needs no root."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pm2sd.control.session import Session, changing
from pm2sd.errors import Pm2sdError
from pm2sd.observe.doctor.model import Cure, Fix
from pm2sd.systemd.durable import failure
from pm2sd.systemd.logind import set_lingering
from pm2sd.units.mark import read_mark


def mend(fixes: Iterable[Fix], say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Do what the findings offer; a line on each thing that was done, or could not be.

    Raises NoUserManager where a fix needs one.
    """
    wanted = list(dict.fromkeys(fixes))
    said = [
        _DO_ALONE[fix.cure](path)
        for fix in wanted
        if fix.cure in _DO_ALONE
        for path in fix.subjects
    ]
    with_manager = [fix for fix in wanted if fix.cure not in _DO_ALONE]
    if not with_manager:
        return said
    with changing(say) as session:
        reload = any(fix.cure == "daemon-reload" for fix in with_manager)
        for fix in with_manager:
            if fix.cure == "remove-units":
                done = _remove(session, fix.subjects)
                said += done
                reload = reload or bool(done)
        if reload:
            session.bus.reload()
            said.append("systemd has read the unit files again")
        for fix in with_manager:
            if fix.cure == "reset-failed":
                session.bus.reset_failed(fix.subjects)
                said += [f"forgot that {unit} failed" for unit in fix.subjects]
    return said


def _remove(session: Session, paths: Iterable[str]) -> list[str]:
    """Remove the files and links that are still left over, now that we have the lock."""
    root = session.directory.path
    left = {
        path
        for files in session.stored().leftovers.values()
        for path, text in files.items()
        if (mark := read_mark(text)) is not None and mark.intact
    }
    gone = [
        path
        for path in paths
        if path in left or ((root / path).is_symlink() and not (root / path).exists())
    ]
    session.directory.remove(gone)
    return [f"removed {root / path}" for path in gone]


def _close(path: str) -> str:
    """Take a file's group and others their rights."""
    try:
        Path(path).chmod(0o600)
    except OSError as error:
        raise failure(error, "chmod", Path(path)) from error
    return f"{path} has mode 0600 now"


def _linger(user: str) -> str:
    """Ask logind, as the user; polkit's policy decides."""
    try:
        set_lingering(True)
    except Pm2sdError as error:
        return f"lingering was refused: {error.message}"
    return f"{user} lingers now"


_DO_ALONE: Final[dict[Cure, Callable[[str], str]]] = {"chmod": _close, "enable-linger": _linger}
