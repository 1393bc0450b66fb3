"""The table: one row for each thing that was measured of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measure import Run, Spread

HEADINGS = ("what", "runs", "PM2", "pm2sd", "pm2sd : PM2", "of CPU time", "target")


@dataclass(frozen=True, slots=True)
class Row:
    """Pairs of one quantity, PM2's first.

    ``cpu`` are pairs of milliseconds that the two commands computed, where commands were timed.
    ``target`` is the greatest ratio that we want to see where smaller is better, ``at_least`` the
    smallest where greater is.
    """

    title: str
    pairs: Sequence[tuple[float, float]]
    unit: str = "ms"
    cpu: Sequence[tuple[float, float]] = ()
    target: float | None = None
    at_least: float | None = None

    @classmethod
    def of_runs(
        cls, title: str, runs: Sequence[tuple[Run, Run]], target: float | None = None
    ) -> Row:
        """A row that compares commands."""
        return cls(
            title,
            [(pm2.wall, ours.wall) for pm2, ours in runs],
            cpu=[(pm2.cpu, ours.cpu) for pm2, ours in runs],
            target=target,
        )

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of ``HEADINGS``."""
        ratio = ratios(self.pairs)
        return (
            self.title,
            str(len(self.pairs)),
            f"{_range(Spread.of(pm2 for pm2, _ in self.pairs))} {self.unit}",
            f"{_range(Spread.of(ours for _, ours in self.pairs))} {self.unit}",
            _range(ratio, _decimals),
            f"{ratios(self.cpu).median:.2f}" if self.cpu else "",
            _verdict(ratio.median, self.target, self.at_least),
        )


def ratios(pairs: Sequence[tuple[float, float]]) -> Spread:
    """What pm2sd takes of what PM2 takes, pair by pair."""
    return Spread.of(ours / pm2 for pm2, ours in pairs)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table that can be read as it is."""
    return columns([HEADINGS, *(row.cells() for row in rows)])


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Cells, of which the first line are headings, as a Markdown table."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])


def _verdict(ratio: float, at_most: float | None, at_least: float | None) -> str:
    if at_most is not None:
        return f"<= {at_most:.2f}: {'met' if ratio <= at_most else 'MISSED'}"
    if at_least is not None:
        return f">= {at_least:.2f}: {'met' if ratio >= at_least else 'MISSED'}"
    return ""


def _short(number: float) -> str:
    """Three significant digits, without an exponent."""
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def _decimals(ratio: float) -> str:
    return f"{ratio:.2f}"


def _range(spread: Spread, text: Callable[[float], str] = _short) -> str:
    """The median, and the ends where there is more than one number."""
    if spread.least == spread.most:
        return text(spread.median)
    return f"{text(spread.median)} ({text(spread.least)}-{text(spread.most)})"
