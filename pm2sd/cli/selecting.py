"""Selectors on the command line, ecosystem files among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import typer

from pm2sd.errors import ExitStatus, NoSuchApp, Pm2sdError
from pm2sd.plan.select import Instance, select
from pm2sd.plan.stored import StoredApp

_SCRIPTS: Final = (".js", ".cjs", ".mjs", ".ts", ".py", ".sh", ".rb", ".php", ".pl")
"""What a selector must end in to be taken for a script: to look for one, every app is read."""


def chosen(
    selectors: Sequence[str],
    apps: Mapping[str, StoredApp],
    only: Sequence[str] = (),
    env: str | None = None,
) -> list[Instance]:
    """The instances that are named; a file stands for its apps that are known.

    ``only`` are those of the file's apps that are meant; ``env`` may be part of their names. Raises
    Pm2sdError where there is no file.
    """
    if only and not any(map(is_file, selectors)):
        raise needs_file("--only", "chooses apps")
    named: list[str] = []
    for selector in selectors:
        if is_file(selector):
            named += _apps_of(selector, apps, only, env)
        else:
            named.append(_script(selector, apps) or selector)
    return select(named, apps)


def _script(selector: str, apps: Mapping[str, StoredApp]) -> str | None:
    """The path of an app's script that the selector leads to from here; a name goes before it."""
    if selector in apps or not selector.endswith(_SCRIPTS):
        return None
    path = str(Path.cwd() / selector)
    return path if any(one.app.script == path for one in apps.values()) else None


def is_file(selector: str) -> bool:
    """Whether a selector is an ecosystem file: it looks like one and is there."""
    from pm2sd.ecosystem.read import is_ecosystem_file

    return selector == "-" or (is_ecosystem_file(selector) and Path(selector).is_file())


def _apps_of(
    file: str, apps: Mapping[str, StoredApp], only: Sequence[str], env: str | None
) -> list[str]:
    from pm2sd.control.configuration import load

    known = load(file, env=env, only=only).known(apps)
    if not known:
        raise NoSuchApp(file, hint=f"none of its apps was applied yet: pm2sd apply {file}")
    return known


def apply_files(
    selectors: Sequence[str], env: str | None, only: str | None
) -> frozenset[str] | None:
    """Apply the ecosystem files among the selectors, as PM2's restart and reload do.

    The units that were started on the way; None if there is no file.
    """
    from pm2sd.cli.applying import apply_file

    files = [selector for selector in selectors if is_file(selector)]
    if env is not None and not files:
        raise needs_file("--env", "chooses an env_NAME block")
    if only is not None and not files:
        raise needs_file("--only", "chooses apps")
    started: frozenset[str] = frozenset()
    for file in files:
        done = apply_file(file, env=env, only=only)
        if done.status is not ExitStatus.OK:
            raise typer.Exit(done.status)
        started |= done.started
    return started if files else None


def needs_file(flag: str, use: str) -> Pm2sdError:
    """The error for a flag that means nothing without an ecosystem file.

    To pass over it would do to all that is named what was meant for a part of it.
    """
    return Pm2sdError(
        f"{flag} {use} of an ecosystem file",
        hint="name the file instead of the app",
        code=ExitStatus.USAGE,
    )


def the_app(selector: str, apps: Mapping[str, StoredApp]) -> StoredApp:
    """The one app that is named."""
    found = {one.app for one in select([selector], apps)}
    if len(found) > 1:
        raise Pm2sdError(
            f"{selector!r} names several apps: {', '.join(sorted(found))}", code=ExitStatus.USAGE
        )
    return apps[found.pop()]


def whole_apps(
    selectors: Sequence[str], apps: Mapping[str, StoredApp], only: Sequence[str] = ()
) -> list[str]:
    """The apps that are named; Pm2sdError for a single instance of several."""
    instances = chosen(selectors, apps, only)
    found: dict[str, int] = {}
    for one in instances:
        found[one.app] = found.get(one.app, 0) + 1
    for name, count in found.items():
        if count < apps[name].app.instances:
            raise Pm2sdError(
                f"{name!r} has {apps[name].app.instances} instances; this is for whole apps only",
                hint=f"name the app: {name} (pm2sd scale {name} -{count} removes instances)",
                code=ExitStatus.USAGE,
            )
    return sorted(found)
