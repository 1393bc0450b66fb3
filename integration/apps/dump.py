"""Usage: dump.py [FILE [ARGUMENT...]]: writes what this process was given to FILE, as JSON.

FILE is $DUMP_TO where that is set; otherwise it is the first argument, which is recorded like the
others. The record is {"argv": [...], "environ": {...}, "cwd": ..., "pid": N}; argv does not include
the script. Its texts are bytes in base64, as the kernel has them: Python's own argv and environ may
have been changed by its locale coercion. FILE appears at once, complete. The process then waits for
a signal, except with DUMP_AND_EXIT set.
"""

import base64
import json
import os
import signal
import sys
from pathlib import Path


def encode(text: bytes) -> str:
    return base64.b64encode(text).decode("ascii")


def kernel_list(name: str) -> list[bytes]:
    return Path(f"/proc/self/{name}").read_bytes().split(b"\0")[:-1]


def main() -> None:
    arguments = kernel_list("cmdline")
    arguments = arguments[len(arguments) - len(sys.argv) + 1 :]
    path = Path(os.fsdecode(os.environb.get(b"DUMP_TO") or arguments[0]))
    environ = dict(entry.split(b"=", 1) for entry in kernel_list("environ"))
    record = {
        "argv": [encode(argument) for argument in arguments],
        "environ": {encode(name): encode(value) for name, value in environ.items()},
        "cwd": encode(os.getcwdb()),
        "pid": os.getpid(),
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(record))
    temporary.replace(path)
    if "DUMP_AND_EXIT" not in os.environ:
        signal.pause()


main()
