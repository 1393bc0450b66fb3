"""One request after the other on one connection."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import sys
from contextlib import suppress
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from mimetypes import MimeTypes
from typing import Any, BinaryIO, Final
from urllib.parse import quote, unquote, urlsplit

from pm2sd.serve.find import error_page, find
from pm2sd.serve.listing import listing
from pm2sd.serve.settings import Settings

IDLE_SECONDS: Final = 30
"""How long a connection may say nothing."""

_TYPES: Final = MimeTypes()
_TYPES.types_map[True].update(
    {".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2", ".yaml": "text/yaml"}
)
_TYPES.types_map[True].update({".map": "application/json", ".mjs": "text/javascript"})
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD. ``site`` is set by ``handler_for``."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    site: Settings

    def version_string(self) -> str:
        """What answers, without versions: they are nobody's business."""
        return "pm2sd"

    def do_GET(self) -> None:
        """Send what is asked for."""
        self.server.busy(1)  # type: ignore[attr-defined]
        self.close_connection |= self.server.ending  # type: ignore[attr-defined]
        try:
            self._refuse_a_second_request_in_the_body()
            self._answer()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        finally:
            self.server.busy(-1)  # type: ignore[attr-defined]

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_arguments: Any) -> None:
        """Requests are not logged, as PM2 does not."""

    def _refuse_a_second_request_in_the_body(self) -> None:
        """End a connection behind a body: nobody reads it, so it would be the next request.

        A proxy that shares the connection among its clients would send one the answer to another.
        """
        lengths = self.headers.get_all("Content-Length", [])
        if any(length.strip() != "0" for length in lengths) or "Transfer-Encoding" in self.headers:
            self.close_connection = True

    def _answer(self) -> None:
        if not self._may():
            challenge = {"WWW-Authenticate": 'Basic realm="Authentication service"'}
            self._send(HTTPStatus.UNAUTHORIZED, b"401 Unauthorized", headers=challenge)
            return
        found = find(self.path, self.site)
        try:
            if found.kind == "file":
                self._send_file(found.path)
            elif found.kind == "redirect":
                place = quote(found.path, errors="surrogateescape")
                query = urlsplit(self.path).query
                headers = {"Location": f"{place}?{query}" if query else place}
                self._send(HTTPStatus.MOVED_PERMANENTLY, b"", headers=headers)
            elif found.kind == "listing":
                url = unquote(urlsplit(self.path).path, errors="replace")
                self._send(HTTPStatus.OK, listing(found.path, url))
            elif found.kind == "missing":
                self._missing()
            else:
                self._send(HTTPStatus.FORBIDDEN, b"403 Forbidden")
        except (FileNotFoundError, NotADirectoryError):
            self._missing()
        except PermissionError as error:
            self.log_problem(error)
            self._send(HTTPStatus.FORBIDDEN, b"403 Forbidden")

    def log_problem(self, error: OSError) -> None:
        """Say what could not be read, where the app's errors are."""
        print(f"cannot read {error.filename}: {error.strerror}", file=sys.stderr, flush=True)

    def _may(self) -> bool:
        """Whether the request comes with the user's name and password, if there are any."""
        user, password = self.site.user, self.site.password
        if user is None or password is None:
            return True
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        wanted = f"{user}:{password}".encode()
        return hmac.compare_digest(given, wanted) and scheme.lower() == "basic"

    def _missing(self) -> None:
        body = b"404 Not Found"
        page = error_page(self.site)
        if page:
            with suppress(OSError), open(page, "rb") as file:  # noqa: PTH123
                body = file.read()
        self._send(HTTPStatus.NOT_FOUND, body)

    def _send(
        self, status: HTTPStatus, body: bytes, *, headers: dict[str, str] | None = None
    ) -> None:
        self._begin(status, "text/html", len(body), headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus, kind: str, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        # As PM2: pages of other origins may read what is served.
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Methods", "GET")
        for name, value in headers.items():
            self.send_header(name, value)
        self._end_headers()

    def _end_headers(self) -> None:
        """Say, too, that the connection ends here where it does."""
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_file(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123
            status = os.fstat(file.fileno())
            changed = formatdate(status.st_mtime, usegmt=True)
            headers = {"Last-Modified": changed, "Accept-Ranges": "bytes"}
            kind = _TYPES.guess_type(path)[0] or "text/plain"
            if self._is_known(int(status.st_mtime)):
                self.send_response(HTTPStatus.NOT_MODIFIED)
                self.send_header("Last-Modified", changed)
                self._end_headers()
                return
            begin, end = 0, status.st_size
            answer = HTTPStatus.OK
            if part := self._range(status.st_size, changed):
                begin, end = part
                if begin >= end:
                    headers["Content-Range"] = f"bytes */{status.st_size}"
                    wrong = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                    self._send(wrong, b"", headers=headers)
                    return
                headers["Content-Range"] = f"bytes {begin}-{end - 1}/{status.st_size}"
                answer = HTTPStatus.PARTIAL_CONTENT
            self._begin(answer, kind, end - begin, headers)
            if self.command != "HEAD" and end > begin:
                self._send_part(file, begin, end)

    def _send_part(self, file: BinaryIO, begin: int, end: int) -> None:
        self.wfile.flush()
        sent = self.connection.sendfile(file, begin, end - begin)
        if sent < end - begin:  # it shrank meanwhile: the other side must not wait for the rest
            self.close_connection = True

    def _is_known(self, changed: int) -> bool:
        since = self.headers.get("If-Modified-Since")
        if not since:
            return False
        try:
            return changed <= parsedate_to_datetime(since).timestamp()
        except (ValueError, OverflowError):
            return False

    def _range(self, size: int, changed: str) -> tuple[int, int] | None:
        """The one part that is asked for; begin >= end where there is no such part."""
        match = _RANGE.fullmatch(self.headers.get("Range", "").replace(" ", ""))
        condition = self.headers.get("If-Range", changed)
        if match is None or match[0] == "bytes=-" or condition != changed:
            return None
        if not match[1]:
            return max(0, size - int(match[2])), size
        begin, last = int(match[1]), int(match[2] or size)
        if last < begin:
            return None
        return begin, min(last + 1, size)


def handler_for(settings: Settings) -> type[Handler]:
    """The handler of a site's connections."""
    return type("SiteHandler", (Handler,), {"site": settings})
