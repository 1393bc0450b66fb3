"""What Node apps are given for the preload (``pm2sd/node/preload.cjs``)."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.node_programs import SHELLS, runs_node

PRELOAD_FILE: Final = "pm2sd-preload.cjs"
"""The preload's name beside the units. A copy: pm2sd's own place changes when it is upgraded, and
apps must start without it."""

# The signals that the preload handles without being told of them.
_USUAL_SIGNALS: Final = ("SIGINT", "SIGTERM")
_NO_HANDLER: Final = ("SIGKILL", "SIGSTOP")


def is_node(app: App) -> bool:
    """Whether Node runs the app, itself or below a launcher such as npm or a shell."""
    return runs_node(app.interpreter, app.command)


def has_preload(app: App) -> bool:
    """Whether the app's environment loads the preload.

    It is there for a shell's script, too, which may run anything, where it has sockets, and where
    the app and PM2 are to speak to each other: in PM2 the Node that a script starts has the
    script's channel.
    """
    needed = app.listen or app.wait_ready or app.shutdown_with_message
    return is_node(app) or bool(needed and posixpath.basename(app.interpreter) in SHELLS)


def node_environment(
    app: App, unit_directory: str, health: Mapping[str, object] | None
) -> dict[str, str]:
    """The variables that load the preload and tell it what to do; empty for other apps.

    ``health`` is how it asks the app, where it feeds the watchdog.
    """
    if not has_preload(app):
        return {}
    settings: dict[str, object] = {}
    if app.listen:
        settings["listen"] = app.listen
    if app.backlog is not None:
        settings["backlog"] = app.backlog
    if app.kill_signal not in _USUAL_SIGNALS + _NO_HANDLER:
        settings["kill_signal"] = app.kill_signal
    if app.shutdown_with_message:
        settings["shutdown_with_message"] = True
    if (app.ready or app.health) and is_node(app):
        settings["private"] = True
    if health:
        settings["health"] = health
    if app.idle_timeout is not None and is_node(app):
        settings["idle_timeout"] = app.idle_timeout
    options = (
        app.env.get("NODE_OPTIONS"),
        f"--require {_quoted(f'{unit_directory}/{PRELOAD_FILE}')}",
    )
    return {
        "NODE_OPTIONS": " ".join(filter(None, options)),
        "PM2SD_NODE": json.dumps(settings, sort_keys=True, separators=(",", ":")),
    }


def _quoted(path: str) -> str:
    """A word of NODE_OPTIONS: quotes keep blanks, a backslash protects both (node.cc)."""
    if not re.search(r'[\s"\\]', path):
        return path
    return '"' + re.sub(r'(["\\])', r"\\\1", path) + '"'
