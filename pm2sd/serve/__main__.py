"""The process: ``python -m pm2sd.serve [PATH [PORT [HOST]]]``, and PM2_SERVE_* variables.

Serves on the sockets that systemd hands over, otherwise on its own. SIGINT and SIGTERM end it,
after the requests that are being answered.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import NoReturn

from pm2sd.serve.handler import handler_for
from pm2sd.serve.server import Server, inherited, listening, tell_ready
from pm2sd.serve.settings import settings


def main() -> None:
    """Serve until a signal comes."""
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # threads begin with it; sigwait takes them
    try:
        site = settings(os.environ, sys.argv[1:])
    except ValueError as error:
        _give_up(str(error))
    if not os.path.isdir(site.root):  # noqa: PTH112
        _give_up(f"there is no directory {site.root}")
    try:
        sockets = inherited() or [listening(site.host, site.port)]
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        _give_up(f"cannot listen on {site.host}:{site.port}: {reason}")
    handler = handler_for(site)
    servers = [Server(sock, handler) for sock in sockets]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
    where = f"{site.host}:{site.port}" if len(sockets) == 1 else f"{len(sockets)} sockets"
    print(f"serving {site.root} on {where}", flush=True)
    tell_ready()
    signal.sigwait(signals)
    for server in servers:
        server.finish()


def _give_up(message: str) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
