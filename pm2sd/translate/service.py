"""``NAME@.service``: how one instance of an app is started, restarted and stopped."""

from __future__ import annotations

from typing import Literal

from pm2sd.ecosystem.app import App
from pm2sd.notes import Fidelity, Note
from pm2sd.translate.checks import READY_SLACK, after_start, before_start, runtime_directory
from pm2sd.translate.hardening import directives, writable
from pm2sd.translate.logs import streams
from pm2sd.translate.memory import limits_text, memory_max
from pm2sd.translate.node import has_preload, is_node, node_environment
from pm2sd.translate.on_failure import handler_of
from pm2sd.translate.restart import RestartPolicy, restart_policy
from pm2sd.translate.socket import socket_of
from pm2sd.translate.watchdog import to_manager, watchdog
from pm2sd.units import names
from pm2sd.units.model import INSTANCE, Mark, Service, Text

# 128 + SIGINT and 128 + SIGTERM: how shells and npm report having been asked to stop. Without
# this an app that was stopped on purpose would end up "failed".
_STOPPED_STATUS = (130, 143)


def service(
    app: App, mark: Mark, *, systemd: int, unit_directory: str, manager_directory: str
) -> tuple[Service, tuple[Note, ...]]:
    """The template that every instance is made from, and what the user should know about it."""
    logs = streams(app)
    policy, notes = restart_policy(app, systemd=systemd)
    notify, ready_notes = _readiness(app)
    watched = watchdog(app, systemd, manager_directory)
    # Shells and PM2 set it, and programs ask for it; systemd does not.
    environment: dict[str, Text] = {
        "PWD": app.cwd,
        **app.env,
        **node_environment(app, unit_directory, watched.settings if watched else None),
    }
    environment[app.instance_var] = (INSTANCE,)
    backoff = bool(policy.exec_start_pre)
    probing = runtime_directory(app)
    unit = Service(
        name=names.service_template(app.name),
        mark=mark,
        description=(f"{app.name} (instance ", INSTANCE, ")"),
        part_of=names.target(app.name),
        after=_predecessors(app),
        on_failure=handler_of(app),
        slice=names.slice_name(app.name),
        user=app.user,
        group=app.group,
        type="notify" if notify else "exec",
        notify_access="all" if notify or watched else None,
        open_file=to_manager(app, systemd, manager_directory),
        watchdog=watched.limit if watched else None,
        timeout_start=_timeout_start(app, policy),
        exec_start_pre=(
            *((policy.exec_start_pre,) if backoff else ()),
            *before_start(app, unit_directory),
        ),
        exec_start=(*logs.wrapper, *app.command),
        exec_start_post=after_start(app, unit_directory),
        socket=socket_of(app),
        working_directory=app.cwd,
        environment=environment,
        environment_files=(f"{unit_directory}/{names.secrets_file(app.name)}",)
        if app.secrets
        else (),
        restart=_restart(app, watched=watched is not None),
        restart_sec=policy.restart_sec,
        restart_steps=policy.restart_steps,
        restart_max_delay=policy.restart_max_delay,
        start_limit_burst=policy.start_limit_burst,
        start_limit_interval=policy.start_limit_interval,
        success_exit_status=tuple(sorted({*_STOPPED_STATUS, *app.stop_exit_codes})),
        restart_prevent_exit_status=app.stop_exit_codes,
        kill_signal=app.kill_signal,
        # PM2 signals every descendant; a control group also holds those that were double-forked.
        kill_mode="control-group" if app.treekill else "process",
        timeout_stop=app.kill_timeout,
        memory_max=memory_max(app),
        # With swap the limit would only push the app out to disk (measured).
        memory_swap_max=None if app.max_memory_restart is None else 0,
        # Where a child is the victim, the others get their signal before all are started again.
        oom_policy="stop" if limits_text(app) else None,
        cpu_quota=app.cpu_quota,
        io_weight=app.io_weight,
        tasks_max=app.tasks_max,
        nice=app.nice,
        standard_output=logs.output,
        standard_error=logs.error,
        syslog_identifier=logs.identifier,
        syslog_level=logs.level,
        runtime_directories=(
            *((_backoff_directory(app),) if backoff else ()),
            *((probing,) if probing else ()),
        ),
        runtime_directory_preserve="restart" if backoff else "no",
        hardening=directives(app),
        read_write_paths=writable(app),
        extra_unit=tuple(app.unit.get("Unit", ())),
        extra_service=tuple(app.unit.get("Service", ())),
    )
    return unit, (*notes, *ready_notes)


def _predecessors(app: App) -> tuple[str, ...]:
    """What has to be up first, if it is being started; their target alone is no job in a restart.

    ``Wants=`` stands in the target: an app that systemd starts again after a crash must not bring
    back another one that the user stopped.
    """
    return tuple(
        unit
        for other, instances in app.depends_on.items()
        for unit in (
            names.target(other),
            *(names.instance(other, number) for number in range(instances)),
        )
    )


def _backoff_directory(app: App) -> Text:
    return (f"pm2sd/backoff/{names.unit_name(app.name)}@", INSTANCE)


def _timeout_start(app: App, policy: RestartPolicy) -> int | None:
    if app.ready:
        return app.listen_timeout + policy.longest_wait + READY_SLACK
    return app.listen_timeout + policy.longest_wait if app.wait_ready else None


def _restart(app: App, *, watched: bool) -> Literal["always", "on-failure", "on-watchdog", "no"]:
    """One that was idle and ended is started by the next connection."""
    if not app.autorestart:
        return "on-watchdog" if watched else "no"
    return "always" if app.idle_timeout is None else "on-failure"


def _readiness(app: App) -> tuple[bool, tuple[Note, ...]]:
    """Whether the manager waits for the app to say that it is ready, and what to tell the user."""
    if not app.wait_ready:
        return False, ()
    if is_node(app):
        how = "process.send('ready') is what the manager waits for"
    else:
        how = "the app says it is ready through sd_notify (systemd-notify --ready)"
        how += ", or Node that it runs by process.send('ready')" if has_preload(app) else ""
    text = f"{how}; not doing so within listen_timeout is a failure, where PM2 calls it a success"
    return True, (Note("wait_ready", Fidelity.BETTER, text),)
