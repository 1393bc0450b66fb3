"""What to serve, where and to whom: PM2's variables, as its lib/API/Serve.js reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Settings(NamedTuple):
    """``root`` is absolute; ``homepage`` is a path below it; ``password`` goes with ``user``."""

    root: str
    host: str = "0.0.0.0"  # noqa: S104 (PM2's default)
    port: int = 8080
    spa: bool = False
    listing: bool = False
    homepage: str = "/index.html"
    user: str | None = None
    password: str | None = None


def settings(environ: Mapping[str, str], arguments: Sequence[str]) -> Settings:
    """Settings from variables, or from the arguments PATH, PORT and HOST where they lack.

    Raises ValueError for a user without a password, or the other way round.
    """

    def given(name: str, index: int, default: str) -> str:
        argument = arguments[index] if index < len(arguments) else ""
        return environ.get(f"PM2_SERVE_{name}") or argument or default

    def is_on(name: str) -> bool:
        return environ.get(f"PM2_SERVE_{name}") == "true"

    user = password = None
    if is_on("BASIC_AUTH"):
        user = environ.get("PM2_SERVE_BASIC_AUTH_USERNAME")
        password = environ.get("PM2_SERVE_BASIC_AUTH_PASSWORD")
        if not user or not password:
            raise ValueError(
                "PM2_SERVE_BASIC_AUTH needs PM2_SERVE_BASIC_AUTH_USERNAME and "
                "PM2_SERVE_BASIC_AUTH_PASSWORD"
            )
    port = given("PORT", 1, "8080")
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        where = "PM2_SERVE_PORT" if environ.get("PM2_SERVE_PORT") else "args (PATH PORT HOST)"
        raise ValueError(f"{where}: {port!r} is not a port")
    return Settings(
        root=os.path.abspath(given("PATH", 0, ".")),  # noqa: PTH100 (not resolved: see find)
        host=given("HOST", 2, "0.0.0.0"),  # noqa: S104
        port=int(port),
        spa=is_on("SPA"),
        listing=is_on("FTP") or is_on("DIRECTORY"),
        homepage=environ.get("PM2_SERVE_HOMEPAGE") or "/index.html",
        user=user,
        password=password,
    )
