"""Python's own HTTP server on the socket that it inherits: answers its process id.

sd_listen_fds(3): the descriptors begin with 3, and LISTEN_FDS is how many there are.
"""

import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No line for each request."""


class Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for the answers that are on their way

    def __init__(self) -> None:
        if not os.environ.get("LISTEN_FDS"):
            sys.exit("plain.py: systemd has handed over no socket; is there a listen option?")
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket = socket.socket(fileno=3)
        # All instances share it, so one may be woken for a connection that another one takes.
        self.socket.setblocking(False)


server = Server()
# Not in the handler itself: shutdown() waits for the loop that the signal has interrupted.
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
