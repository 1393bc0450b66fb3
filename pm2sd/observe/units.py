"""The unit files of apps as they are on disk, with secrets masked unless they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from pm2sd.observe.environment import MASK
from pm2sd.observe.known import Known
from pm2sd.plan.select import Instance
from pm2sd.units import names
from pm2sd.units.mark import environment_variables


def unit_texts(
    known: Known, chosen: Sequence[Instance], *, reveal: bool = False
) -> list[tuple[str, str]]:
    """Paths and texts of the files that make up some instances, drop-ins of others included.

    In the order in which systemd reads them: the target, the template, its drop-ins. Secrets are
    masked unless ``reveal`` is given.
    """
    found: dict[str, str] = {}
    for app in dict.fromkeys(one.app for one in chosen):
        stored = known.stored.apps[app]
        target = names.target(app)
        units = [target, *(one.unit for one in chosen if one.app == app)]
        mine = {names.drop_in(unit) for unit in units} | {names.secrets_file(app)}
        for path, text in sorted(stored.files.items(), key=lambda item: (item[0] != target, item)):
            if "/" not in path or path in mine:
                hidden = path == names.secrets_file(app) and not reveal
                found[str(known.directory.path / path)] = masked(text) if hidden else text
        for _, path in known.directory.drop_ins(units):
            found[path] = known.directory.read(path) or ""
    return list(found.items())


def unit_paths(known: Known, chosen: Sequence[Instance]) -> list[tuple[str, str]]:
    """The units of some instances, their targets before them, each with the file it is made of."""
    directory = known.directory.path
    found: dict[str, str] = {}
    for one in chosen:
        target = names.target(one.app)
        found.setdefault(target, str(directory / target))
        found[one.unit] = str(directory / names.service_template(one.app))
    return list(found.items())


def masked(text: str) -> str:
    """A file of variables with the values hidden."""
    first, _, _ = text.partition("\n")
    return "\n".join((first, *(f'{name}="{MASK}"' for name in environment_variables(text)), ""))
