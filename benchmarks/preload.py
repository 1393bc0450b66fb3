"""``python -m benchmarks.preload [NODE]``: what the preload adds to a Node app's start and memory.

Real starts of an HTTP server that exits when it listens, with and without the preload in turn. The
difference of the medians is the answer; the single starts differ by more than it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

from pm2sd.node import PRELOAD

STARTS = 60
APP = """
require('http').createServer().listen(0, () => {
    require('fs').writeSync(1, String(process.memoryUsage().rss));
    process.exit();
});
"""


def start(node: str, environment: dict[str, str]) -> tuple[float, int]:
    """Milliseconds from exec to exit, and bytes resident when the app listens."""
    begin = time.perf_counter()
    done = subprocess.run(
        [node, "-e", APP], env={**os.environ, **environment}, capture_output=True, check=True
    )
    return (time.perf_counter() - begin) * 1000, int(done.stdout)


def main() -> None:
    node = sys.argv[1] if len(sys.argv) > 1 else "node"
    kinds = {
        "without": {"NODE_OPTIONS": ""},
        "not under pm2sd": {"NODE_OPTIONS": f"--require {PRELOAD}"},
        "with": {"NODE_OPTIONS": f"--require {PRELOAD}", "PM2SD_NODE": "{}"},
    }
    starts: dict[str, list[tuple[float, int]]] = {kind: [] for kind in kinds}
    for _ in range(STARTS):
        for kind, environment in kinds.items():
            starts[kind].append(start(node, environment))
    base_ms, base_rss = (median(column) for column in zip(*starts["without"], strict=True))
    for kind, measured in starts.items():
        ms, rss = (median(column) for column in zip(*measured, strict=True))
        print(
            f"{kind:16} {ms:7.1f} ms ({ms - base_ms:+.1f})   "
            f"{rss / 2**20:6.1f} MiB ({(rss - base_rss) / 2**20:+.2f})"
        )


if __name__ == "__main__":
    main()
