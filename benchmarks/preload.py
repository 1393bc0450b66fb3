"""``python -m benchmarks.preload [NODE]``: what the preload adds to a Node app's start and memory.

Real starts of an HTTP server of two files that exits when it listens, with and without the preload
in turn. The difference of the medians is the answer, by the clock and in CPU time; the single
starts differ by more than it, and on a busy machine so does the clock. Memory is the process's own;
what is mapped from Node's executable, of which more is touched, is shared by all and told apart.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measure import Started
from pm2sd.node import preload

STARTS = 60
APP = """
require('http').createServer().listen(0, () => {
    const status = require('fs').readFileSync('/proc/self/status', 'utf8');
    const kib = (name) => status.match(name + ':\\\\s+(\\\\d+)')[1];
    require('fs').writeSync(1, kib('RssAnon') + ' ' + kib('RssFile'));
    process.exit();
});
"""


def start(node: str, app: Path, environment: dict[str, str]) -> tuple[float, ...]:
    """Milliseconds from exec to exit, those of CPU time; MiB of its own and of mapped files.

    Both as of the moment when the app listens.
    """
    run = Started((node, str(app)), {**os.environ, **environment}).end()
    return run.wall, run.cpu, *(int(kib) / 1024 for kib in run.output.split())


def main() -> None:
    node = sys.argv[1] if len(sys.argv) > 1 else "node"
    with tempfile.TemporaryDirectory() as directory:
        required = {"NODE_OPTIONS": f"--require {directory}/preload.cjs"}
        Path(directory, "preload.cjs").write_text(preload())
        kinds = {
            "without": {"NODE_OPTIONS": ""},
            "not under pm2sd": required,
            "with": {**required, "PM2SD_NODE": "{}"},
        }
        starts: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in kinds}
        app = Path(directory, "app.js")
        app.write_text("require('./server.js')")
        app.with_name("server.js").write_text(APP)
        for _ in range(STARTS):
            for kind, environment in kinds.items():
                starts[kind].append(start(node, app, environment))
    base = [median(column) for column in zip(*starts["without"], strict=True)]
    for kind, measured in starts.items():
        wall, cpu, own, mapped = (median(column) for column in zip(*measured, strict=True))
        print(
            f"{kind:16} {wall:6.1f} ms ({wall - base[0]:+.1f})   "
            f"{cpu:6.1f} ms of CPU time ({cpu - base[1]:+.1f})   "
            f"{own:5.1f} MiB ({own - base[2]:+.2f})   "
            f"{mapped:5.1f} MiB mapped ({mapped - base[3]:+.2f})"
        )


if __name__ == "__main__":
    main()
