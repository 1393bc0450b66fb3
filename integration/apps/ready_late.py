"""Usage: ready_late.py SECONDS: tells systemd that it is ready after SECONDS, never if negative.

It speaks the protocol of sd_notify(3) itself: one datagram to $NOTIFY_SOCKET.
"""

import os
import signal
import socket
import sys
import time


def notify(state: str) -> None:
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        notifications.sendto(state.encode(), address)


seconds = float(sys.argv[1])
if seconds >= 0:
    time.sleep(seconds)
    notify("READY=1")
    print("ready", flush=True)
signal.pause()
