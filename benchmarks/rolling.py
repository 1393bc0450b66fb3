"""``python -m benchmarks.rolling [ROUNDS]``: requests that fail while a cluster's instances change.

Four instances of an unmodified Node server on a real systemd (run it in the sandbox), and two loads
at once, with a connection for each request and with connections that are kept. A round is a rolling
reload, ``systemctl --user restart`` of each instance, and scaling to 6 and to 2 and back.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from integration.clients import Load

APP = Path(__file__).parents[1] / "integration" / "apps" / "cluster.js"
NAME = "rolling"


def pm2sd(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pm2sd", *arguments], check=True, capture_output=True)


def change() -> None:
    pm2sd("reload", NAME)
    for number in range(4):
        subprocess.run(["systemctl", "--user", "restart", f"{NAME}@{number}"], check=True)
    for instances in ("6", "2", "4"):
        pm2sd("scale", NAME, instances)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = {"name": NAME, "script": str(APP), "exec_mode": "cluster", "instances": 4}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "ecosystem.json")
        file.write_text(json.dumps({"apps": [{**app, "env": {"PORT": port}}]}))
        pm2sd("apply", str(file))
        loads = {
            "a connection per request": Load(port, clients=4),
            "kept connections": Load(port, clients=16, keep_alive=True),
        }
        begin = time.monotonic()
        with loads["a connection per request"], loads["kept connections"]:
            for _ in range(rounds):
                change()
        seconds = time.monotonic() - begin
        for kind, load in loads.items():
            print(f"{kind}: {load.count} answered in {seconds:.0f} s, {len(load.failures)} failed")
            for failure in sorted(set(load.failures)):
                print(f"  {failure}: {load.failures.count(failure)}")
        pm2sd("delete", NAME)


if __name__ == "__main__":
    main()
