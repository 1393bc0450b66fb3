"""Usage: leaks.py MEGABYTES [SECONDS]: takes one megabyte after the other, spread over SECONDS.

Keeps them (every page is written) and waits for a signal.
"""

import signal
import sys
import time

megabytes = int(sys.argv[1])
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
kept = []
for taken in range(1, megabytes + 1):
    kept.append(b"x" * 1024 * 1024)
    if taken % 10 == 0:
        print(f"{taken} MB", flush=True)
    time.sleep(seconds / megabytes)
print("ready", flush=True)
signal.pause()
