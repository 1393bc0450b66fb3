"""journald: settings of the journal, for root to install."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Optional

import typer

from pm2sd.cli import output
from pm2sd.errors import ExitStatus, Pm2sdError

_FILE = "/etc/systemd/journald.conf.d/pm2sd.conf"
_Text = Optional[str]  # noqa: UP045 - Typer reads it at run time
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def journald(
    max_use: Annotated[
        _Text, typer.Option(metavar="SIZE", help="All of the journal on disk: 1G.")
    ] = None,
    retention: Annotated[
        _Text, typer.Option(metavar="TIME", help="Entries older than it go: 30d.")
    ] = None,
    rate: Annotated[
        _Text,
        typer.Option(
            metavar="LINES/TIME|off",
            help="What journald takes of one user's apps together: 1000000/30s.",
        ),
    ] = None,
) -> None:
    """Print settings of journald that keep the journal small and lose no lines, and how to install.

    journald drops what a user's apps print beyond its rate limit, 10000 lines in 30 s where nothing
    else is set (some times that with much free disk). The limit is one for all apps of the user,
    and only root can lift it. An app that prints more than that is better off with log files:
    out_file, error_file and pm2sd logrotate.

    Example:

      pm2sd journald | sudo tee /etc/systemd/journald.conf.d/pm2sd.conf
    """
    from pm2sd.translate.journald import Settings, drop_in

    values: dict[str, Any] = {}
    if max_use is not None:
        values["max_use"] = _size(max_use)
    if retention is not None:
        values["retention"] = _seconds("--retention", retention)
    if rate == "off":
        values["rate_lines"] = None
    elif rate is not None:
        lines, slash, time = rate.partition("/")
        if not (slash and re.fullmatch(r"[1-9]\d{0,9}", lines, re.ASCII)):
            raise _refused("--rate", rate, "write 1000000/30s, or off")
        values |= {"rate_lines": int(lines), "rate_interval": _seconds("--rate", time)}
    output.emit(drop_in(replace(Settings(), **values)).rstrip("\n"))
    words = " ".join(["pm2sd journald", *_given(max_use, retention, rate)])
    output.say(
        f"to install it:\n"
        f"  sudo mkdir -p {_FILE.rpartition('/')[0]}\n"
        f"  {words} | sudo tee {_FILE}\n"
        f"  sudo systemctl restart systemd-journald    # apps go on running and logging\n"
        f"  sudo journalctl --flush                    # to the disk, where it was in memory"
    )


def _given(max_use: str | None, retention: str | None, rate: str | None) -> list[str]:
    from shlex import quote

    flags = {"--max-use": max_use, "--retention": retention, "--rate": rate}
    return [f"{flag} {quote(value)}" for flag, value in flags.items() if value is not None]


def _size(text: str) -> int:
    from pm2sd.ecosystem.quantities import parse_size

    try:
        size = parse_size(text)
    except ValueError:
        size = 0
    if not size:
        raise _refused("--max-use", text, "write 500M or 1G")
    return size


def _seconds(flag: str, text: str) -> int:
    match = re.fullmatch(r"([1-9]\d{0,6})(s|m|h|d|w)", text.strip(), re.ASCII)
    if match is None:
        raise _refused(flag, text, "times are written like 30s, 5m, 12h, 30d or 4w")
    return int(match[1]) * _UNITS[match[2]]


def _refused(flag: str, text: str, hint: str) -> Pm2sdError:
    return Pm2sdError(f"{flag}: {text!r} is not understood", hint=hint, code=ExitStatus.USAGE)
