"""The list in the shape of ``pm2 jlist``, for scripts that read it.

Only what is true here is said: there is no pid file, no log path for what goes to the journal, no
``created_at`` for an instance that systemd has restarted since, and no secret.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any, Final

from pm2sd.ecosystem.app import App
from pm2sd.observe.environment import declared
from pm2sd.observe.known import Known
from pm2sd.observe.package import version
from pm2sd.observe.status import Row, rows
from pm2sd.plan.select import instances
from pm2sd.systemd.bus import Bus
from pm2sd.systemd.results import CLD_EXITED
from pm2sd.translate.logs import fill_in, streams

_MODES: Final = {"fork": "fork_mode", "cluster": "cluster_mode"}


def pm2_list(bus: Bus, known: Known) -> list[dict[str, Any]]:
    """All instances, each as an element of ``pm2 jlist``, by id."""
    apps = known.stored.apps
    versions = cache(version)
    found = rows(bus, known, instances(apps.values()))
    return [
        _element(row, apps[row.name].app, _exit_code(bus, row), versions(apps[row.name].app.script))
        for row in sorted(found, key=lambda row: row.id)
    ]


def _element(row: Row, app: App, exit_code: int | None, app_version: str) -> dict[str, Any]:
    env = declared(app, row.instance)
    return {
        "pid": row.pid or 0,
        "name": row.name,
        "pm_id": row.id,
        "monit": {"memory": row.memory or 0, "cpu": row.cpu or 0},
        # PM2 repeats every variable beside the options, and scripts rely on it.
        "pm2_env": {
            **env,
            **_options(app),
            **_state(row, exit_code),
            **_log_paths(app, row.instance),
            app.instance_var: row.instance,
            "version": app_version,
            "env": env,
        },
    }


def _options(app: App) -> dict[str, Any]:
    options = {
        "name": app.name,
        "namespace": app.namespace,
        "pm_exec_path": app.script,
        "pm_cwd": app.cwd,
        "args": list(app.args),
        "exec_interpreter": app.interpreter,
        "node_args": list(app.interpreter_args),
        "exec_mode": _MODES[app.exec_mode],
        "instances": app.instances,
        "instance_var": app.instance_var,
        "merge_logs": app.merge_logs,
        "autostart": app.autostart,
        "autorestart": app.autorestart,
        "stop_exit_codes": list(app.stop_exit_codes) or None,
        "max_restarts": app.max_restarts,
        "min_uptime": app.min_uptime,
        "restart_delay": app.restart_delay or None,
        "exp_backoff_restart_delay": app.exp_backoff_restart_delay,
        "max_memory_restart": app.max_memory_restart,
        "cron_restart": app.cron_restart,
        "kill_timeout": app.kill_timeout,
        "treekill": app.treekill,
        "wait_ready": app.wait_ready or None,
        "log_date_format": app.log_date_format,
        "watch": app.written.get("watch", True) if app.watched else False,
    }
    return {key: value for key, value in options.items() if value is not None}


def _state(row: Row, exit_code: int | None) -> dict[str, Any]:
    state: dict[str, Any] = {
        "pm_id": row.id,
        "status": row.state,
        "restart_time": row.restarts,
        "username": row.user,
    }
    if exit_code is not None:
        state["exit_code"] = exit_code
    if row.uptime is not None:
        state["pm_uptime"] = round((time.time() - row.uptime) * 1000)
        if not row.restarts:
            state |= {"created_at": state["pm_uptime"], "unstable_restarts": 0}
    return state


def _log_paths(app: App, number: int) -> dict[str, str]:
    logs = streams(app)
    outputs = {"pm_out_log_path": logs.output, "pm_err_log_path": logs.error}
    return {
        key: fill_in(output.path, number) or "/dev/null"
        for key, output in outputs.items()
        if output.kind != "journal"
    }


def _exit_code(bus: Bus, row: Row) -> int | None:
    """What an instance that is down ended with; None for a signal, which is no exit code."""
    if not row.result or bus.get(row.unit, "Service", "ExecMainCode") != CLD_EXITED:
        return None
    return int(bus.get(row.unit, "Service", "ExecMainStatus"))
