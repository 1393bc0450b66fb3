"""Which file, directory or refusal a URL's path stands for."""

from __future__ import annotations

import os
import posixpath
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from pm2sd.serve.settings import Settings

Kind = Literal["file", "listing", "redirect", "missing", "forbidden"]


class Found(NamedTuple):
    """``path`` is that of a file or directory; of a redirect the URL's path to go to."""

    kind: Kind
    path: str = ""


def find(target: str, site: Settings) -> Found:
    """What a request's target asks for.

    As lib/API/Serve.js of PM2 decides, and besides: a directory has its ``index.html`` also below
    the root, and nothing that lies outside of the root is served, whatever a symbolic link says.
    The root may be a link itself, and may change where it leads while we run.
    """
    try:
        path = unquote(urlsplit(target).path, errors="surrogateescape")
    except ValueError:  # http://[
        return Found("missing")
    if "\0" in path:
        return Found("missing")
    found = _below_root(path or "/", site)
    if found.kind != "missing" or not site.spa:
        return found
    # An application in one page makes up paths: its files are asked for relative to these.
    asset = _below_root(f"/{posixpath.basename(path)}", site)
    return asset if asset.kind == "file" else _below_root(site.homepage, site)


def error_page(site: Settings) -> str | None:
    """The file that is sent with what is missing, if the site has one."""
    found = _below_root("/404.html", site)
    return found.path if found.kind == "file" else None


def _below_root(path: str, site: Settings) -> Found:
    root = os.path.realpath(site.root)
    below = posixpath.normpath(f"./{path.lstrip('/')}")
    if below == ".." or below.startswith("../"):
        return Found("forbidden")
    try:
        there = os.path.realpath(posixpath.join(root, below), strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return Found("missing")
    except OSError:  # a circle of links, a directory that may not be looked into
        return Found("forbidden")
    if there != root and not there.startswith(f"{root.rstrip('/')}/"):
        return Found("forbidden")
    if os.path.isdir(there):  # noqa: PTH112
        return _directory(path, there, site, is_root=below == ".")
    if not os.path.isfile(there):  # noqa: PTH113 (a FIFO would never end)
        return Found("forbidden")
    return Found("missing") if path.endswith("/") else Found("file", there)


def _directory(path: str, there: str, site: Settings, *, is_root: bool) -> Found:
    if is_root and not site.listing and site.homepage != "/":
        return _below_root(site.homepage, site)
    has_index = os.path.isfile(f"{there}/index.html")  # noqa: PTH113
    if not has_index and not site.listing:
        return Found("missing")
    if not path.endswith("/"):
        return Found("redirect", f"/{path.strip('/')}/")
    return _below_root(f"{path}index.html", site) if has_index else Found("listing", there)
