"""``ready``, ``health`` and ``idle_timeout``: whom the questions are put to, and whether they can
be answered for each instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from pm2sd.ecosystem.log_paths import Logs
from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is known of an app that checks depend on; ``node``: the preload runs in it."""

    listen: tuple[str, ...]
    instances: int
    env: Mapping[str, str]
    node: bool
    logs: Logs


@dataclass(frozen=True, slots=True)
class Checks:
    """Fields of the App, under their names there."""

    ready: Mapping[str, Plain] | None = None
    health: Mapping[str, Plain] | None = None
    idle_timeout: int | None = None


def checks(subject: Subject, app: Serving) -> Checks:
    """The checks of an app.

    ``http`` and ``tcp`` become ``address`` (as in App.listen, or ``host:port``), with ``path``,
    ``host`` (the header) and ``tls`` where HTTP is spoken; ``numbered``: each instance's port is
    higher by its number.
    """
    return Checks(_ready(subject, app), _health(subject, app), _idle_timeout(subject, app))


def _ready(subject: Subject, app: Serving) -> dict[str, Plain] | None:
    written: dict[str, Plain] | None = subject.get("ready", dict)
    if written is None:
        return None
    if "log" not in written:
        return _addressed(subject, app, "ready", written)
    logs = app.logs
    out, err = logs.out_file or logs.log_file, logs.error_file or logs.log_file
    if logs.disable_logs or (out == err == "/dev/null"):
        subject.problem("ready", "there is no log in which a line could be found", "keep the logs")
    elif (
        app.instances > 1
        and logs.merge_logs
        and any(p not in (None, "/dev/null") for p in (out, err))
    ):
        subject.problem(
            "ready",
            "the instances write one log file, in which a line may be any of theirs",
            "write merge_logs: false, or leave the log to the journal",
        )
    return dict(written)


def _health(subject: Subject, app: Serving) -> dict[str, Plain] | None:
    written: dict[str, Plain] | None = subject.get("health", dict)
    if written is None or "command" in written:
        return written
    if "http" not in written and "tcp" not in written:
        if app.node:
            return written
        subject.problem(
            "health",
            "only Node can be asked without saying how",
            "write http: /path, tcp: port or command; or unit: {Service: {WatchdogSec: 30}} for "
            "an app that speaks to systemd's watchdog",
        )
        return None
    found = _addressed(subject, app, "health", written)
    alone = app.instances == 1 or (found or {}).get("numbered")
    own = app.node and found and found["address"] in app.listen
    if found and not alone and not own:
        subject.problem(
            "health",
            "a question to a port that the instances share is answered by any of them, so a hung "
            "one is not found",
            "write command, which gets PM2SD_INSTANCE; give each instance a port with "
            "increment_var: PORT; or unit: {Service: {WatchdogSec: 30}} for an app that speaks to "
            "systemd's watchdog",
        )
    return found


def _idle_timeout(subject: Subject, app: Serving) -> int | None:
    timeout = subject.get("idle_timeout", int)
    if timeout is None:
        return None
    why = hint = ""
    if not app.listen and not subject.is_refused("listen"):
        why, hint = "systemd has no socket that could start the app again", "add listen: 3000"
    elif app.instances > 1:
        why, hint = "it is for apps of one instance", "remove instances"
    elif subject.get("reuse_port", bool):
        why, hint = "it is for the shared socket", "remove reuse_port"
    elif subject.get("schedule", str) is not None:
        why, hint = "the clock starts the app", "keep schedule or idle_timeout"
    if why:
        subject.problem("idle_timeout", f"idle_timeout: {why}", hint)
    elif not app.node:
        subject.note(
            "idle_timeout",
            Fidelity.APPROXIMATE,
            "connections are looked for now and then: an app whose clients connect for a moment "
            "only may be stopped between two of them, and is started by the next",
        )
    return timeout


def _addressed(
    subject: Subject, app: Serving, option: str, written: Mapping[str, Plain]
) -> dict[str, Plain] | None:
    """``written`` with its ``http`` or ``tcp`` resolved to an address."""
    rest = {name: value for name, value in written.items() if name not in ("http", "tcp")}
    http = str(written.get("http", ""))
    if "://" in http:
        url = urlsplit(http)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        rest |= {"path": path, "host": url.netloc, "tls": url.scheme == "https"}
    elif written.get("tcp"):
        address = str(written["tcp"])
    else:
        own = _own_address(app)
        if own is None:
            what = f"http: http://localhost:3000{http}" if http else "tcp: 3000"
            hint = f"write {what} with the port that the app listens on, or set PORT in env"
            subject.problem(option, f"{option}: no port of the app is known", hint)
            return None
        if http:
            rest |= {"path": http, "host": "localhost", "tls": False}
        return {**rest, "address": own, "numbered": own not in app.listen and _is_numbered(subject)}
    address = _of_the_socket(address, app.listen)
    if address not in app.listen and app.instances > 1 and not _is_here(address):
        subject.problem(
            option,
            f"{option}: {address} may be answered by any instance",
            "write a path alone, or localhost, so that it can be seen which one answers",
        )
    return {**rest, "address": address, "numbered": False}


def _own_address(app: Serving) -> str | None:
    if app.listen:
        return app.listen[0]
    port = app.env.get("PORT", "")
    return port if port.isascii() and port.isdecimal() and 1 <= int(port) <= 65_535 else None


def _is_numbered(subject: Subject) -> bool:
    return subject.get("increment_var", str) == "PORT"


def _of_the_socket(address: str, listen: tuple[str, ...]) -> str:
    """The address of ``listen`` that a written one means, or itself."""
    port = address.rpartition(":")[2]
    same = [one for one in listen if one.rpartition(":")[2] == port and not one.startswith("/")]
    if address in same or not _is_here(address):
        return address
    return same[0] if same else address


def _is_here(address: str) -> bool:
    """Whether an address is one of this machine's loopback interface, or names no host."""
    host = address.rpartition(":")[0].strip("[]")
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
