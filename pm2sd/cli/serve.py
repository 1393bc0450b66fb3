"""``serve``: a directory over HTTP, as an app of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from pm2sd.cli.attaching import Attach, Outcome, finish, now
from pm2sd.cli.flags import OptionsCommand, option_flags, written

_TEXT = Optional[str]  # noqa: UP045 - Typer reads it at run time


@option_flags
def serve(
    path: Annotated[
        _TEXT, typer.Argument(help="What to serve. Default: this directory.", show_default=False)
    ] = None,
    port: Annotated[_TEXT, typer.Argument(help="Default: 8080.", show_default=False)] = None,
    port_flag: Annotated[
        _TEXT, typer.Option("--port", help="The same.", show_default=False)
    ] = None,
    spa: Annotated[
        bool, typer.Option("--spa", help="index.html for every path that there is not.")
    ] = False,
    ftp: Annotated[bool, typer.Option("--ftp", help="Show what is in directories.")] = False,
    username: Annotated[
        _TEXT, typer.Option("--basic-auth-username", help="Ask for a user and password.")
    ] = None,
    password: Annotated[
        _TEXT,
        typer.Option(
            "--basic-auth-password",
            help="Others see it while this command runs: better put it into the variable "
            "PM2_SERVE_BASIC_AUTH_PASSWORD.",
        ),
    ] = None,
    monitor: Annotated[_TEXT, typer.Option("--monitor", help="PM2 Plus; no effect.")] = None,
    attach: Attach = False,
    **given: Any,
) -> None:
    """Serve a directory over HTTP.

    The app is called static-page-server-PORT, unless --name says otherwise.

    Examples:

      pm2sd serve ./public 3000

      pm2sd serve dist --spa --name site --port 8000
    """
    from pm2sd.cli.output import say
    from pm2sd.cli.starting import start_server
    from pm2sd.ecosystem.serving import PASSWORD, default_name

    since = now()
    if monitor:
        say("--monitor has no effect here: it reports to PM2 Plus")
    # As PM2, which takes the variables of the shell along.
    env = {name: text for name, text in os.environ.items() if name.startswith("PM2_SERVE_")}
    env.setdefault("PM2_SERVE_PORT", port or port_flag or "8080")
    env["PM2_SERVE_PATH"] = str(Path.cwd() / (env.get("PM2_SERVE_PATH") or path or "."))
    env |= {f"PM2_SERVE_{name}": "true" for name, on in (("SPA", spa), ("FTP", ftp)) if on}
    secret = password or env.pop(PASSWORD, None)
    user = username or env.get("PM2_SERVE_BASIC_AUTH_USERNAME")
    _refuse(env["PM2_SERVE_PORT"], env["PM2_SERVE_PATH"], user, secret)
    if user:
        env |= {"PM2_SERVE_BASIC_AUTH": "true", "PM2_SERVE_BASIC_AUTH_USERNAME": user}
    options = {
        "name": ("--name", default_name(env["PM2_SERVE_PORT"])),
        "cwd": ("PATH", env["PM2_SERVE_PATH"]),
        **written(given),
        "env": ("", env),
        "secrets": ("", {PASSWORD: secret} if secret else {}),
    }
    outcome: Outcome = start_server(options)
    finish(outcome, attach=attach, since=since)


def _refuse(port: str, path: str, user: str | None, password: str | None) -> None:
    from pm2sd.errors import ExitStatus, Pm2sdError

    problem = None
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        problem = f"{port!r} is not a port"
    elif not Path(path).is_dir():
        problem = f"there is no directory {path}"
    elif bool(user) != bool(password):
        problem = "--basic-auth-username and --basic-auth-password go together"
    if problem:
        raise Pm2sdError(problem, code=ExitStatus.USAGE)


COMMAND_CLASS = OptionsCommand
