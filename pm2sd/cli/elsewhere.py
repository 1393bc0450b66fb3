"""PM2's commands that pm2sd does not have, each with what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLUS: Final = "PM2 Plus is a service of PM2's makers; nothing here sends anything anywhere"
_MODULES: Final = "pm2sd has no modules; install programs with npm or apt, run them as apps"
SETTINGS: Final = "pm2sd keeps no settings; write them into the ecosystem file's env, then apply"
_THEN: Final = "run what post_update says, then: pm2sd reload NAME"
_STDIN: Final = "an app's standard input is /dev/null under systemd; have it listen on a socket"

ELSEWHERE: Final[Mapping[str, str]] = {
    "attach": f"{_STDIN}; pm2sd logs NAME shows what it prints",
    "autoinstall": "name each script: pm2sd start SCRIPT, or write them into an ecosystem file",
    "backward": f"git checkout HEAD~1, {_THEN}",
    "completion": "pm2sd has no shell completion yet; pm2sd --help lists the commands",
    "conf": SETTINGS,
    "config": SETTINGS,
    "create": "pm2sd init writes an ecosystem file to begin with",
    "dash": "pm2sd has no dashboard yet; try: watch -n1 pm2sd status",
    "dashboard": "pm2sd has no dashboard yet; try: watch -n1 pm2sd status",
    "deepUpdate": "pm2sd is updated by what installed it (pipx upgrade pm2sd); no app notices",
    "deploy": "pm2sd does not deploy yet; over ssh: git pull, then pm2sd reload NAME",
    "examples": "pm2sd COMMAND --help has examples",
    "forward": f"git checkout the newer commit, {_THEN}",
    "get": SETTINGS,
    "gracefulReload": "pm2sd reload NAME does it",
    "imonit": "pm2sd has no dashboard yet; try: watch -n1 pm2sd status",
    "inspect": "start the app with --node-args=--inspect, or: pm2sd sendSignal SIGUSR1 NAME",
    "install": _MODULES,
    "install-otel": "install OpenTelemetry into the app itself and load it with --node-args",
    "kill": "there is no daemon to kill; pm2sd stop all stops the apps, pm2sd delete all "
    "forgets them too",
    "link": _PLUS,
    "login": _PLUS,
    "logout": _PLUS,
    "module:generate": _MODULES,
    "module:install": _MODULES,
    "module:publish": _MODULES,
    "module:uninstall": _MODULES,
    "module:update": _MODULES,
    "monit": "pm2sd has no dashboard yet; try: watch -n1 pm2sd status",
    "monitor": _PLUS,
    "multiset": SETTINGS,
    "open": _PLUS,
    "package": _MODULES,
    "plus": _PLUS,
    "profile:cpu": "pm2sd has no daemon to profile; give an app --node-args=--cpu-prof",
    "profile:mem": "pm2sd has no daemon to profile; give an app --node-args=--heap-prof",
    "publish": _MODULES,
    "pull": f"git pull, {_THEN}",
    "register": _PLUS,
    "send": _STDIN,
    "slist": "pm2sd shows apps only; for the machine: top, or systemd-cgtop",
    "sysinfos": "pm2sd shows apps only; for the machine: top, or systemd-cgtop",
    "trigger": "apps have no channel for actions; use a signal: pm2sd sendSignal SIGUSR2 NAME",
    "uninstall": _MODULES,
    "uninstall-otel": "OpenTelemetry is the app's own; take it out of the app",
    "unlink": _PLUS,
    "unmonitor": _PLUS,
    "unset": SETTINGS,
    "web": "pm2sd has no web interface; for programs: pm2sd jlist",
}
"""Command -> what to use instead, one line; running one prints it and exits 2."""
