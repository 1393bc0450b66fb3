"""Usage: repeats.py FIFO: prints the lines that are written to FIFO, those with "err" to stderr.

A line is printed with one system call, byte for byte. FIFO is made if it does not exist.
"""

import os
import signal
import sys
from contextlib import suppress

signal.signal(signal.SIGINT, signal.SIG_DFL)

with suppress(FileExistsError):
    os.mkfifo(sys.argv[1])
# Open for writing too: the end of one writer is not the end of the file.
with os.fdopen(os.open(sys.argv[1], os.O_RDWR), "rb") as fifo:
    for line in fifo:
        os.write(2 if b"err" in line else 1, line)
