"""Usage: dump.py [FILE [ARGUMENT...]]: writes what this process was given to FILE, as JSON.

FILE is $DUMP_TO where that is set (then every argument is only recorded). The record is {"argv":
[...], "environ": {...}, "cwd": ..., "pid": N}; argv does not include the script. All its texts are
bytes in base64, so nothing is lost to an encoding. FILE appears at once, complete. The process then
waits for a signal, except with DUMP_AND_EXIT set.
"""

import base64
import json
import os
import signal
import sys
from pathlib import Path


def encode(text: bytes) -> str:
    return base64.b64encode(text).decode("ascii")


def main() -> None:
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    path = Path(os.fsdecode(os.environb.get(b"DUMP_TO") or arguments[0]))
    record = {
        "argv": [encode(argument) for argument in arguments],
        "environ": {encode(name): encode(value) for name, value in os.environb.items()},
        "cwd": encode(os.getcwdb()),
        "pid": os.getpid(),
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(record))
    temporary.replace(path)
    if "DUMP_AND_EXIT" not in os.environ:
        signal.pause()


main()
