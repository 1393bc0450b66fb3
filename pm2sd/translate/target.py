"""The units around an app's service: its target, its instances' drop-ins, its secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pm2sd import __version__
from pm2sd.ecosystem.app import App
from pm2sd.units import names
from pm2sd.units.model import EnvironmentFile, InstanceDropIn, Mark, Target

DEFAULT_NAMESPACE = "default"


def target(
    app: App, mark: Mark, record: Mapping[str, str], auxiliary: Sequence[str] = ()
) -> Target:
    """``NAME.target``, which wants every instance, every app this one depends on, and carries the
    app's record.

    ``auxiliary`` are the units beside the instances that run whenever the target does. The
    instance of an app with a schedule is left to the timer among them, that of one with
    ``idle_timeout`` to its socket.
    """
    by_itself = app.schedule is None and app.idle_timeout is None
    instances = range(app.instances) if by_itself else ()
    return Target(
        name=names.target(app.name),
        mark=replace(mark, record=record),
        description=f"{app.name} (pm2sd)",
        wants=(
            *(names.instance(app.name, number) for number in instances),
            *auxiliary,
            *map(names.target, app.depends_on),
        ),
        part_of=_namespace(app),
        wanted_by=("multi-user.target" if app.system else "default.target",),
    )


def _namespace(app: App) -> tuple[str, ...]:
    return () if app.namespace == DEFAULT_NAMESPACE else (names.namespace_target(app.namespace),)


def namespace_target(namespace: str, apps: Sequence[str]) -> Target:
    """``pm2sd-NAMESPACE.target``: starts, stops and restarts the apps of a namespace together.

    The namespace ``default`` has none: its list of apps would change with nearly every apply, and
    each such change costs a daemon-reload.
    """
    return Target(
        name=names.namespace_target(namespace),
        mark=Mark(app="", namespace=namespace, source="", version=__version__),
        description=f"namespace {namespace} (pm2sd)",
        wants=tuple(names.target(app) for app in sorted(apps)),
        wanted_by=(),
    )


def instance_drop_ins(app: App, mark: Mark) -> tuple[InstanceDropIn, ...]:
    """What differs between instances: the counted-up ``increment_var``."""
    if app.increment_var is None:
        return ()
    return tuple(
        InstanceDropIn(
            service=names.instance(app.name, number),
            mark=mark,
            environment=own_variables(app, number),
        )
        for number in range(app.instances)
    )


def own_variables(app: App, number: int) -> dict[str, str]:
    """The variables of one instance that its template cannot give it.

    ``increment_var``: the first instance gets the value written in ``env`` (0 without one), the
    next one more each (PM2: lib/God.js, injectVariables).
    """
    if app.increment_var is None:
        return {}
    first = _leading_int(app.env.get(app.increment_var, "0"))
    return {app.increment_var: str(first + number)}


def _leading_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def secrets_file(app: App, mark: Mark) -> tuple[EnvironmentFile, ...]:
    """The variables marked secret, out of sight of ``systemctl cat``."""
    if not app.secrets:
        return ()
    return (
        EnvironmentFile(service=names.service_template(app.name), mark=mark, variables=app.secrets),
    )
