"""Usage: talks.py COUNT [TEXT]: writes COUNT numbered lines to stdout and as many to stderr.

The lines are `out 1 TEXT`, `err 1 TEXT` and so on, each written with one system call, in this
order. The process then waits for a signal.
"""

import os
import signal
import sys

count = int(sys.argv[1])
text = sys.argv[2] if len(sys.argv) > 2 else ""
for number in range(1, count + 1):
    for descriptor, name in ((1, "out"), (2, "err")):
        os.write(descriptor, os.fsencode(f"{name} {number} {text}".rstrip() + "\n"))
signal.pause()
