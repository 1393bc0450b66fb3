"""logrotate, set: rotating log files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, Optional

import typer

from pm2sd.cli import output
from pm2sd.errors import ExitStatus, Pm2sdError

if TYPE_CHECKING:
    from pm2sd.translate.rotation import Settings

# PM2's spelling first, which its users have in their fingers.
_Text = Optional[str]  # noqa: UP045 - Typer reads it at run time


def logrotate(
    max_size: Annotated[
        _Text,
        typer.Option("--max-size", "--max_size", metavar="SIZE", help="Rotate above it: 10M."),
    ] = None,
    retain: Annotated[
        _Text, typer.Option("--retain", metavar="N|all", help="How many rotated files to keep: 7.")
    ] = None,
    compress: Annotated[
        _Text, typer.Option("--compress", metavar="true|false", help="Whether to use gzip: true.")
    ] = None,
    date_format: Annotated[
        _Text,
        typer.Option(
            *("--date-format", "--dateFormat"),
            metavar="FORMAT",
            help="What the names get: YYYY-MM-DD_HH-mm-ss.",
        ),
    ] = None,
    worker_interval: Annotated[
        _Text,
        typer.Option(
            *("--worker-interval", "--workerInterval"),
            metavar="SECONDS",
            help="How often to look at sizes: 30.",
        ),
    ] = None,
    rotate_interval: Annotated[
        _Text,
        typer.Option(
            *("--rotate-interval", "--rotateInterval"),
            metavar="CRON",
            help="When to rotate all files that are not empty: '0 0 * * *'.",
        ),
    ] = None,
    rotate_module: Annotated[
        _Text,
        typer.Option(
            *("--rotate-module", "--rotateModule"),
            metavar="true|false",
            help="Of no effect: there are no modules.",
        ),
    ] = None,
    tz: Annotated[
        _Text, typer.Option("--tz", "--TZ", metavar="ZONE", help="The time zone: the system's.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Rotate no more.")] = False,
    system: Annotated[
        bool,
        typer.Option("--system", help="Print a file for /etc/logrotate.d instead; no timers."),
    ] = False,
) -> None:
    """Rotate the log files of all apps, now and those applied later.

    Two timers of yours run logrotate: every --worker-interval for files above --max-size, and at
    --rotate-interval for all. Settings that are not given stay as they were; the defaults are
    named above. What goes to the journal needs none of it: see pm2sd journald.
    """
    given = {
        "max_size": max_size,
        "retain": retain,
        "compress": compress,
        "dateFormat": date_format,
        "workerInterval": worker_interval,
        "rotateInterval": rotate_interval,
        "rotateModule": rotate_module,
        "TZ": tz,
    }
    wanted = {name: text for name, text in given.items() if text is not None}
    if system:
        _print_for_root(wanted)
    elif remove:
        _remove()
    else:
        _install(wanted)


def set_(
    key: Annotated[str, typer.Argument(help="pm2-logrotate:max_size and the like.")],
    value: Annotated[str, typer.Argument(help="The value.")],
) -> None:
    """Change a setting of pm2-logrotate, as with PM2: pm2sd set pm2-logrotate:max_size 20M.

    It does what pm2sd logrotate with that option does.
    """
    from pm2sd.cli.elsewhere import SETTINGS

    module, _, name = key.partition(":")
    if module != "pm2-logrotate":
        raise Pm2sdError(f"there is no setting {key!r}: {SETTINGS}", code=ExitStatus.USAGE)
    _install({name: value})


def _install(given: Mapping[str, str]) -> None:
    from pm2sd.control import rotation
    from pm2sd.control.session import changing
    from pm2sd.translate.logs import log_files
    from pm2sd.translate.rotation import Settings

    with changing(output.say) as here:
        stored = here.stored()
        settings = _changed(rotation.installed(stored) or Settings(), given)
        places = rotation.install(here, settings)
        apps = [one.app for one in stored.apps.values()]
    output.emit(_told(settings))
    output.emit(f"configuration: {places.configuration}")
    files = [path for app in apps for path in (*(p for _, p in log_files(app)), *app.rotate_files)]
    for path in dict.fromkeys(files):
        output.emit(f"rotates {path}")
    if not files:
        output.say("no app writes log files yet; those of apps applied later are rotated as well")
    if any(log_files(app) or (app.rotate_files and not app.rotate_signal) for app in apps):
        output.say(
            "files are copied, then emptied, as systemd holds them open: lines that an app writes "
            "in between, some milliseconds, are lost. The journal loses none; nor do files that an "
            "app opens itself and again at a signal (log_rotate in the ecosystem file)"
        )


def _remove() -> None:
    from pm2sd.control import rotation
    from pm2sd.control.session import changing

    with changing(output.say) as here:
        done = rotation.remove(here)
    output.emit("log files are rotated no more" if done else "log files were not rotated")


def _print_for_root(given: Mapping[str, str]) -> None:
    import grp
    import pwd
    from shlex import quote

    from pm2sd.control import rotation
    from pm2sd.observe.known import Known
    from pm2sd.translate.rotation import Settings, for_root

    stored = Known.read().stored
    settings = _changed(rotation.installed(stored) or Settings(), given)
    account = pwd.getpwuid(os.getuid())
    group = grp.getgrgid(account.pw_gid).gr_name
    apps = [stored.apps[name].app for name in sorted(stored.apps)]
    output.emit(for_root(apps, settings, account.pw_name, group, account.pw_uid).rstrip("\n"))
    words = " ".join(["pm2sd logrotate --system", *(f"--{k} {quote(v)}" for k, v in given.items())])
    output.say(
        f"to install it: {words} | sudo tee /etc/logrotate.d/pm2sd-{account.pw_name}\n"
        "logrotate looks at it once a day; after a change of log files in an "
        "ecosystem file, do it again"
    )
    if rotation.installed(stored):
        output.say(
            "your own timers rotate the same files; take them away: pm2sd logrotate --remove"
        )


def _told(settings: Settings) -> str:
    from pm2sd.ecosystem.quantities import show_duration, show_size

    kept = "all rotated files are" if settings.retain is None else f"{settings.retain} are"
    zone = f" ({settings.tz})" if settings.tz else ""
    return (
        f"log files are rotated above {show_size(settings.max_size)}, looked at every "
        f"{show_duration(settings.worker_interval)}, and at {settings.rotate_interval!r}{zone}; "
        f"{kept} kept{', compressed' if settings.compress else ''}"
    )


def _changed(settings: Settings, given: Mapping[str, str]) -> Settings:
    """The settings with those that were given, under PM2's names. Raises Pm2sdError."""
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name not in _PARSERS:
            known = ", ".join(_PARSERS)
            _refuse(f"pm2-logrotate has no setting {name!r}", f"it has {known}")
        field, parse = _PARSERS[name]
        value = parse(name, text.strip())
        if field:
            values[field] = value
    return replace(settings, **values)


def _refuse(message: str, hint: str) -> NoReturn:
    raise Pm2sdError(message, hint=hint, code=ExitStatus.USAGE)


def _size(name: str, text: str) -> int:
    from pm2sd.ecosystem.quantities import parse_size

    try:
        size = parse_size(text)
    except ValueError:
        size = 0
    return size or _refuse(f"{name}: {text!r} is no size", "write 10M, 500K or 1G")


def _count(name: str, text: str) -> int | None:
    if text == "all":
        return None
    if re.fullmatch(r"\d{1,6}", text, re.ASCII):
        return int(text)
    _refuse(f"{name}: {text!r} is no number of files", "write 7, or all")


def _boolean(name: str, text: str) -> bool:
    if text in ("true", "false"):
        return text == "true"
    _refuse(f"{name}: {text!r} is neither true nor false", "write true or false")


def _date_format(name: str, text: str) -> str:
    from pm2sd.translate.rotation import date_suffix

    if not date_suffix(text):
        _refuse(
            f"{name}: {text!r} is no date that logrotate can write",
            "it is made of YYYY, MM, DD, HH, mm, ss and signs, as YYYY-MM-DD_HH-mm-ss",
        )
    if "ss" not in text:
        output.say(
            f"{name}: without seconds two rotations may want the same name; logrotate then leaves "
            "the file as it is until the name is another one, however large it grows"
        )
    return text


def _seconds(name: str, text: str) -> int:
    from pm2sd.ecosystem.quantities import parse_duration

    try:
        duration = parse_duration(f"{text}s" if text.isdecimal() else text)
    except ValueError:
        duration = 0
    if duration < 1000:
        _refuse(f"{name}: {text!r} is no number of seconds", "write 30, or 5m")
    return duration


def _pattern(name: str, text: str) -> str:
    from pm2sd.ecosystem.cron import BadCron, parse_cron

    try:
        parse_cron(text)
    except BadCron as error:
        _refuse(f"{name}: {error}", error.hint or "write '0 0 * * *'")
    return text


def _zone(name: str, text: str) -> str | None:
    from zoneinfo import ZoneInfo

    if text in ("", "system"):
        return None
    try:
        ZoneInfo(text)
    except (LookupError, OSError, ValueError):
        _refuse(f"{name}: there is no time zone {text!r}", "timedatectl list-timezones lists them")
    return text


# PM2's name of a setting -> the field it is here ("" for none), and its parser.
_PARSERS: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "max_size": ("max_size", _size),
    "retain": ("retain", _count),
    "compress": ("compress", _boolean),
    "dateFormat": ("date_format", _date_format),
    "workerInterval": ("worker_interval", _seconds),
    "rotateInterval": ("rotate_interval", _pattern),
    "rotateModule": ("", _boolean),
    "TZ": ("tz", _zone),
}
