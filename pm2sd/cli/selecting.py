"""Selectors on the command line, ecosystem files among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from pm2sd.errors import ExitStatus, NoSuchApp, Pm2sdError
from pm2sd.plan.select import Instance, select
from pm2sd.plan.stored import StoredApp


def chosen(selectors: Sequence[str], apps: Mapping[str, StoredApp]) -> list[Instance]:
    """The instances that are named; a file stands for its apps that are known."""
    named: list[str] = []
    for selector in selectors:
        named += _apps_of(selector, apps) if is_file(selector) else [selector]
    return select(named, apps)


def is_file(selector: str) -> bool:
    """Whether a selector is an ecosystem file: it looks like one and is there."""
    from pm2sd.ecosystem.read import is_ecosystem_file

    return selector == "-" or (is_ecosystem_file(selector) and Path(selector).is_file())


def _apps_of(file: str, apps: Mapping[str, StoredApp]) -> list[str]:
    from pm2sd.control.configuration import load

    known = [name for name in sorted(load(file).names) if name in apps]
    if not known:
        raise NoSuchApp(file, hint=f"none of its apps was applied yet: pm2sd apply {file}")
    return known


def apply_files(selectors: Sequence[str], env: str | None) -> None:
    """Apply the ecosystem files among the selectors, as PM2's restart and reload do."""
    from pm2sd.cli.applying import apply_file

    files = [selector for selector in selectors if is_file(selector)]
    if env is not None and not files:
        raise Pm2sdError(
            "--env chooses an env_NAME block of an ecosystem file",
            hint="name the file instead of the app",
            code=ExitStatus.USAGE,
        )
    for file in files:
        status = apply_file(file, env=env)
        if status is not ExitStatus.OK:
            raise typer.Exit(status)


def the_app(selector: str, apps: Mapping[str, StoredApp]) -> StoredApp:
    """The one app that is named."""
    found = {one.app for one in select([selector], apps)}
    if len(found) > 1:
        raise Pm2sdError(
            f"{selector!r} names several apps: {', '.join(sorted(found))}", code=ExitStatus.USAGE
        )
    return apps[found.pop()]


def whole_apps(selectors: Sequence[str], apps: Mapping[str, StoredApp]) -> list[str]:
    """The apps that are named; Pm2sdError for a single instance of several."""
    instances = chosen(selectors, apps)
    found: dict[str, int] = {}
    for one in instances:
        found[one.app] = found.get(one.app, 0) + 1
    for name, count in found.items():
        if count < apps[name].app.instances:
            raise Pm2sdError(
                f"{name!r} has {apps[name].app.instances} instances; only whole apps are deleted",
                hint=f"pm2sd scale {name} -{count}, or pm2sd delete {name}",
                code=ExitStatus.USAGE,
            )
    return sorted(found)
