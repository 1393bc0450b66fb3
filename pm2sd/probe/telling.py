"""Telling somebody what happened to an instance: by a command, or by a POST to a webhook.

PM2SD_WEBHOOK has the URL, PM2SD_WEBHOOK_HEADERS further headers as a JSON object; they are in the
environment because a command line is for all to read.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pm2sd import __version__

LINES = 10
"""How many of the app's last lines are sent."""

TIMEOUT = 10
PAUSES = (1, 5)
"""Seconds that an answer may take, and those before each further attempt."""

_LONGEST = 2000
_END = 1 << 16


class Event(NamedTuple):
    """``event`` is ``failed``, ``restarts``, ``memory``, ``down`` or ``recovered``; ``of`` the one
    of these that has recovered, or the event itself.
    """

    event: str
    of: str
    app: str
    instance: int
    unit: str
    text: str


class Ending(NamedTuple):
    """How the main process ended last: systemd's Result, and an exit code or a signal's name."""

    result: str = ""
    exit_code: int | None = None
    signal: str | None = None


def ending(values: Mapping[str, str]) -> Ending:
    """The end that a unit's properties tell of, as systemctl shows them."""
    import signal

    code, status = values.get("ExecMainCode"), int(values.get("ExecMainStatus") or 0)
    if code == "1":
        return Ending(values["Result"], status)
    if code in ("2", "3"):
        try:
            return Ending(values["Result"], None, signal.Signals(status).name)
        except ValueError:
            return Ending(values["Result"], None, str(status))
    return Ending(values.get("Result", ""))


def tell(event: Event, end: Ending, command: Sequence[str], *, logs: Sequence[str]) -> bool:
    """Run the command, or post to the webhook; False if the webhook did not take it.

    Whatever fails is said on standard output, which is the journal.
    """
    if command:
        _run(event, command)
    url = os.environ.get("PM2SD_WEBHOOK")
    return post(url, _headers(), body(event, end, logs)) if url else True


def _run(event: Event, command: Sequence[str]) -> None:
    own = {
        "PM2SD_EVENT": event.event,
        "PM2SD_APP": event.app,
        "PM2SD_INSTANCE": str(event.instance),
        "PM2SD_TEXT": event.text,
    }
    done = subprocess.run(command, env={**os.environ, **own}, check=False)
    if done.returncode:
        print(f"<3>the command to tell of it ended with status {done.returncode}", flush=True)


def body(event: Event, end: Ending, logs: Sequence[str]) -> dict[str, object]:
    """What is posted. ``text`` alone is what chats (Slack, Mattermost) show."""
    return {
        "text": f"{event.text} (on {socket.gethostname()})",
        "event": event.event,
        "of": event.of,
        "app": event.app,
        "instance": event.instance,
        "unit": event.unit,
        "host": socket.gethostname(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "result": end.result,
        "exit_code": end.exit_code,
        "signal": end.signal,
        "lines": [] if event.event == "recovered" else last_lines(event.unit, logs),
    }


def last_lines(unit: str, logs: Sequence[str]) -> list[str]:
    """The last lines that an instance printed: to the journal, then to each of its log files."""
    identifier = unit.removesuffix(".service")
    said = subprocess.run(
        [
            *("journalctl", "--quiet", "--output=cat", "--all", f"--lines={LINES}"),
            *(f"_UID={os.getuid()}", f"SYSLOG_IDENTIFIER={identifier}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    ).stdout
    found = list(_lines(said))
    for path in logs:
        try:
            with open(path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
                found += _lines(file.read())
        except OSError:
            continue
    return found


def _lines(data: bytes) -> Iterator[str]:
    for line in data.decode(errors="replace").splitlines()[-LINES:]:
        yield line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _headers() -> dict[str, str]:
    found: dict[str, str] = json.loads(os.environ.get("PM2SD_WEBHOOK_HEADERS") or "{}")
    return found


def post(url: str, headers: Mapping[str, str], payload: Mapping[str, object]) -> bool:
    """Post JSON; tried again when nobody answers or the other side has trouble of its own."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.parse import urlsplit
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirects(HTTPRedirectHandler):
        """A redirected POST would become a GET that says nothing."""

        def redirect_request(self, *_: object) -> None:
            return None

    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # the path may be a secret
    usual = {"Content-Type": "application/json", "User-Agent": f"pm2sd/{__version__}"}
    data = json.dumps(payload).encode()
    request = Request(url, data, {**usual, **headers}, method="POST")  # noqa: S310 (checked)
    opener = build_opener(NoRedirects)
    problem = ""
    for pause in (0, *PAUSES):
        time.sleep(pause)
        try:
            with opener.open(request, timeout=TIMEOUT):
                print(f"<5>told {place}", flush=True)
                return True
        except HTTPError as error:
            problem = f"it answered {error.code} {error.reason}"
            if error.code < 500 and error.code not in (408, 429):
                break
        except (OSError, HTTPException, ValueError) as error:
            problem = str(getattr(error, "reason", "") or error or type(error).__name__)
    print(f"<3>could not tell {place}: {problem}", flush=True)
    return False
