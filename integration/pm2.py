"""A real PM2 beside pm2sd, for tests that compare the two or move from one to the other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.harness import Result, run

BINARY = Path(__file__).parent.parent / "benchmarks/.pm2/node_modules/.bin/pm2"


@dataclass(frozen=True, slots=True)
class Pm2:
    """PM2 as npm installs it, with its daemon and files in `home`."""

    home: Path

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | bytes = b"",  # noqa: A002
        timeout: float = 60,
    ) -> Result:
        """Runs `pm2 ARGUMENTS...` to its end; see `run`."""
        return run(
            *self.command(*arguments),
            cwd=cwd,
            env={**self.environment(), **(env or {})},
            input=input,
            timeout=timeout,
        )

    def command(self, *arguments: str | Path) -> list[str]:
        """The argument vector, for a test that starts the process itself."""
        return [str(BINARY), *(os.fspath(word) for word in arguments)]

    def environment(self) -> dict[str, str]:
        """What has to be in the environment of whoever calls `command()`."""
        return {"PM2_HOME": str(self.home), "PM2_DISABLE_VERSION_CHECK": "true"}

    def jlist(self) -> list[dict[str, Any]]:
        """What `pm2 jlist` prints, without what it says about its daemon on the same stdout."""
        listed: list[dict[str, Any]] = json.loads(self("jlist").stdout.splitlines()[-1])
        return listed

    def of(self, name: str) -> list[dict[str, Any]]:
        """The elements of `jlist` that belong to one app."""
        return [element for element in self.jlist() if element["name"] == name]
