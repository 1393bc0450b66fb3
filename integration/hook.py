"""A webhook: a real HTTP server that keeps what it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """``answers`` are the statuses of the first requests; those after them get 204."""

    port: int = 0
    answers: Sequence[int] = ()
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where to post, with a part that must not be logged."""
        return f"http://127.0.0.1:{self.port}/hook/s3cret"


@contextmanager
def hook(*answers: int) -> Iterator[Hook]:
    """A server on a free port, as long as the block runs."""
    kept = Hook(answers=answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            kept.headers.append(dict(self.headers))
            kept.bodies.append(json.loads(data))
            number = len(kept.bodies) - 1
            self.send_response(kept.answers[number] if number < len(kept.answers) else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
