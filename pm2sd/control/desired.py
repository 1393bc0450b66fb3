"""What is to be in the unit directory: from apps to unit files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pm2sd.ecosystem.app import App
from pm2sd.errors import CannotCarry
from pm2sd.notes import Note
from pm2sd.plan.plan import Desired
from pm2sd.plan.stored import Stored
from pm2sd.systemd import paths
from pm2sd.translate.target import DEFAULT_NAMESPACE, namespace_target
from pm2sd.translate.translation import translate
from pm2sd.translate.versions import refuse_too_old
from pm2sd.units.render import render


@dataclass(frozen=True, slots=True)
class Wanted:
    """An app to be made so, with the notes of reading it.

    ``update_env``: its PATH is to be that of this shell, even if nothing else changed.
    """

    app: App
    notes: tuple[Note, ...] = ()
    update_env: bool = False


def desire(
    directory: Path, wanted: Sequence[Wanted], stored: Stored, *, systemd: int
) -> list[Desired]:
    """The files that the apps need in a unit directory of this version of systemd.

    Raises Pm2sdError for a version that is too old, CannotCarry for what no unit file can hold.
    """
    refuse_too_old(systemd)
    overrides = paths.overrides_directory()
    free = stored.next_id()
    desired = []
    for one in wanted:
        old = stored.apps.get(one.app.name)
        app = _with_same_path(one.app, old.app) if old and not one.update_env else one.app
        ids = list(old.ids[: app.instances] if old else ())
        fresh = app.instances - len(ids)
        ids += range(free, free + fresh)
        free += fresh
        try:
            translation = translate(
                app,
                systemd=systemd,
                unit_directory=str(directory),
                manager_directory=paths.user_runtime_directory_text().rstrip("/"),
                ids=ids,
                notes=one.notes,
            )
            files = [render(unit, overrides) for unit in translation.units]
        except CannotCarry as error:
            what = f"app {app.name!r}: {error.what}"
            raise CannotCarry(what, error.why, error.hint) from error
        desired.append(Desired(app, {file.path: file.text for file in files}, translation.notes))
    return desired


def _with_same_path(app: App, old: App) -> App:
    """The app with the PATH of its last apply, if it differs from it by the shell's PATH alone.

    Otherwise applying the same file from another shell (ssh, cron) would restart every app. A PATH
    that the file itself sets is not the shell's.
    """
    ours, theirs = app.env.get("PATH"), old.env.get("PATH")
    if theirs is None or ours != os.environ.get("PATH"):
        return app
    same = replace(app, env={**app.env, "PATH": theirs})
    return same if same.to_json() == old.to_json() and same.secrets == old.secrets else app


def rendered(directory: Path, wanted: Sequence[Wanted], systemd: int) -> dict[str, str]:
    """The unit files of apps as if they were new, by path; no manager is asked."""
    files = namespaces(one.app for one in wanted)
    for one in desire(directory, wanted, Stored({}), systemd=systemd):
        files |= one.files
    return files


def namespaces(apps: Iterable[App]) -> dict[str, str]:
    """The files of the targets of the apps' namespaces, by path."""
    members: dict[str, list[str]] = {}
    for app in apps:
        if app.namespace != DEFAULT_NAMESPACE:
            members.setdefault(app.namespace, []).append(app.name)
    files = [render(namespace_target(name, members[name])) for name in sorted(members)]
    return {file.path: file.text for file in files}
