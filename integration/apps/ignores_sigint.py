"""Does not end on SIGINT: only the SIGKILL after kill_timeout ends it."""

import signal

signal.signal(signal.SIGINT, lambda *_: print("ignoring SIGINT", flush=True))
print("ready", flush=True)
while True:
    signal.pause()
