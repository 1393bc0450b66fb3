"""The page that shows what is in a directory."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from html import escape
from urllib.parse import quote


def listing(directory: str, url: str) -> bytes:
    """An HTML page with links to what is in a directory, directories first; no dotfiles."""
    title = f"Index of {escape(url)}"
    rows = [_row("../", "", "")] if url != "/" else []
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                with suppress(OSError):  # a link that leads nowhere, or to itself
                    found.append((not entry.is_dir(), entry.name, entry.stat()))
    for is_file, name, status in sorted(found, key=lambda one: one[:2]):
        changed = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(status.st_mtime))
        shown = name if is_file else f"{name}/"
        rows.append(_row(shown, _size(status.st_size) if is_file else "", changed))
    page = f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ font-family: monospace; margin: 2em }} td {{ padding: .1em 1.5em .1em 0 }}</style>
</head><body><h1>{title}</h1><table>
<tr><th align="left">Name</th><th align="left">Size</th><th align="left">Changed (UTC)</th></tr>
{"".join(rows)}</table></body></html>
"""
    return page.encode(errors="replace")


def _row(name: str, size: str, changed: str) -> str:
    # Without ./ a name with a colon would be taken for a URL with a scheme.
    link = name if name == "../" else f"./{quote(name, errors='surrogateescape')}"
    return (
        f'<tr><td><a href="{link}">{escape(name)}</a></td><td>{size}</td><td>{changed}</td></tr>\n'
    )


def _size(octets: float) -> str:
    for unit in ("B", "K", "M"):
        if octets < 1024:
            return f"{octets:.0f}B" if unit == "B" else f"{octets:.1f}{unit}"
        octets /= 1024
    return f"{octets:.1f}G"
