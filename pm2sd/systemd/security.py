"""How exposed units are, by the score of systemd-analyze(1), ``security``."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from typing import Final

from pm2sd.systemd import scope

_SECONDS: Final = 20.0
_SCORE: Final = re.compile(r"Overall exposure level for (\S+): ([0-9]+(?:\.[0-9]+)?)")


class Scoring:
    """A run of systemd-analyze, which takes 7 ms a unit: it works while others are asked."""

    __slots__ = ("_process",)

    def __init__(self, units: Sequence[str]) -> None:
        self._process: subprocess.Popen[str] | None = None
        manager = () if scope.system else ("--user",)
        if units:
            try:
                self._process = subprocess.Popen(
                    ["systemd-analyze", *manager, "--no-pager", "security", "--", *units],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError:
                return  # it is a package of its own on some distributions

    def scores(self) -> dict[str, float]:
        """From 0 (nothing to attack) to 10, by unit; without those that could not be scored."""
        if self._process is None:
            return {}
        try:
            said, _ = self._process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return {}
        return {unit: float(score) for unit, score in _SCORE.findall(said)}
