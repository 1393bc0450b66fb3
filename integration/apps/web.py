"""An HTTP server on the socket that it inherits, or on $PORT of 127.0.0.1.

It answers its instance's number and pid, one connection at a time, $COLD seconds after its start at
the earliest; after GET /hang it answers nothing any more. On SIGINT it finishes what it does.
"""

import os
import select
import signal
import socket
import time

if os.environ.get("LISTEN_FDS"):
    server = socket.socket(fileno=3)
else:
    server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
server.setblocking(False)  # all instances share it
time.sleep(float(os.environ.get("COLD", "0")))
busy = False
last: list[str] = []


def stop(*_: object) -> None:
    if not busy:
        os._exit(0)
    last.append("request")


signal.signal(signal.SIGINT, stop)
print("listening", flush=True)
while not last:
    select.select([server], [], [])
    try:
        client, _ = server.accept()
    except BlockingIOError:  # another instance was quicker
        continue
    busy = True
    with client:
        client.settimeout(5)
        request = client.recv(4096)
        body = f"{os.environ['NODE_APP_INSTANCE']} {os.getpid()}"
        if request:
            client.sendall(f"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}".encode())
    busy = False
    while request.startswith(b"GET /hang"):
        pass
