"""tracking-image: draws the counts of `tracking` as a bar chart, a PNG file, every few seconds.

Environment: TRACKING_URL, INTERVAL (seconds), IMAGE (the file; by default tracking.png in the
user's runtime directory).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import struct
import sys
import threading
import urllib.request
import zlib
from pathlib import Path

WIDTH, HEIGHT = 320, 160
BACKGROUND, BAR = b"\xff\xff\xff", b"\x2b\x6c\xb0"


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    url = os.environ.get("TRACKING_URL", "http://127.0.0.1:8600")
    interval = float(os.environ.get("INTERVAL", "5"))
    image = Path(os.environ.get("IMAGE") or Path(os.environ["XDG_RUNTIME_DIR"]) / "tracking.png")

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    logging.info("drawing %s every %g s", image, interval)
    drawn: dict[str, int] | None = None
    while not stop.is_set():
        try:
            counts = fetch_counts(url)
        except (OSError, ValueError) as error:
            print(f"no counts: {error}", file=sys.stderr, flush=True)
        else:
            if counts != drawn:
                write_whole(image, png(bars(list(counts.values()))))
                logging.info("drew %d ids, %d visits", len(counts), sum(counts.values()))
                drawn = counts
        stop.wait(interval)
    logging.info("stopped")
    return 0


def fetch_counts(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/stats", timeout=5) as response:
        counts: dict[str, int] = json.load(response)["ids"]
    return counts


def bars(counts: list[int]) -> list[bytes]:
    """The chart's rows of RGB pixels, top first; at most one bar for each 4 pixels of width."""
    counts = sorted(counts, reverse=True)[: WIDTH // 4]
    if not counts:
        return [BACKGROUND * WIDTH] * HEIGHT
    step = WIDTH // len(counts)
    heights = [round(count / counts[0] * (HEIGHT - 8)) for count in counts]
    rest = BACKGROUND * (WIDTH - step * len(counts))
    return [
        b"".join(
            (BAR if HEIGHT - row <= height else BACKGROUND) * (step - 1) + BACKGROUND
            for height in heights
        )
        + rest
        for row in range(HEIGHT)
    ]


def png(rows: list[bytes]) -> bytes:
    """A PNG file (8-bit RGB) of those rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def write_whole(path: Path, data: bytes) -> None:
    """Replaces the file at once: nobody sees half a picture."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
