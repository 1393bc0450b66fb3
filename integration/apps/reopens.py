"""Usage: reopens.py FILE TIMES

Writes numbered lines to FILE as fast as it can, and opens it anew at SIGUSR2; some time after it
has done so TIMES times it writes "end" and waits.
"""

import signal
import sys
import time
from pathlib import Path

path, times = Path(sys.argv[1]), int(sys.argv[2])
signals: list[int] = []
done = number = 0
signal.signal(signal.SIGUSR2, lambda sent, _frame: signals.append(sent))
file = path.open("a")
left = 1000
while left:
    if done < len(signals):
        done += 1
        file.close()
        file = path.open("a")
    print(number, file=file, flush=True)
    number += 1
    left -= done >= times
    time.sleep(0.0002)
print("end", file=file, flush=True)
signal.pause()
