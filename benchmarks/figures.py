"""Measured figures, the tables that they stand in, and how both are kept as JSON."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

NOT_ABSENT = ("absent", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell of a table: all that was measured, and what was aimed at."""

    row: str
    column: str
    samples: tuple[float, ...] = ()
    target: float | None = None
    """The median may be no more."""
    worst: float | None = None
    """No sample may be more."""
    moonshot: float | None = None
    """What the median would be at best."""
    absent: str = ""
    """Why there are no samples."""

    def __post_init__(self) -> None:
        assert bool(self.samples) != bool(self.absent), self

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def aims(self) -> Iterator[tuple[str, float, bool]]:
        """What was aimed at: in words, the number, and whether it is reached."""
        if not self.samples:
            return
        if self.target is not None:
            yield "target", self.target, self.median <= self.target
        if self.worst is not None:
            yield "the worst", self.worst, max(self.samples) <= self.worst
        if self.moonshot is not None:
            yield "moonshot", self.moonshot, self.median <= self.moonshot


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one unit."""

    title: str
    corner: str
    """Heads the column of the rows' names."""
    figures: tuple[Figure, ...]
    unit: str = ""
    """Follows each number; empty for ratios."""
    digits: int = 2
    """Behind the point."""

    @property
    def rows(self) -> Sequence[str]:
        return list(dict.fromkeys(figure.row for figure in self.figures))

    @property
    def columns(self) -> Sequence[str]:
        return list(dict.fromkeys(figure.column for figure in self.figures))

    def number(self, value: float) -> str:
        return f"{value:,.{self.digits}f}{self.unit and ' ' + self.unit}"

    def figure(self, row: str, column: str) -> Figure | None:
        return next((figure for figure in self.figures if (figure.row, figure.column) == (row, column)), None)


@dataclass(frozen=True, slots=True)
class Result:
    """What a part of the benchmark found, and where."""

    part: str
    command: str
    date: str
    machine: str
    tables: tuple[Table, ...]

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_rounded(asdict(self)), indent=1)
        # Numbers of one figure on one line.
        text = re.sub(r"\[[\s\d.,e+-]+\]", lambda numbers: " ".join(numbers[0].split()), text)
        (folder / f"{self.part}.json").write_text(text + "\n")


def read_results(folder: Path, parts: Iterable[str]) -> dict[str, Result]:
    """Of those ``parts`` that have been measured, in their order."""
    files = {part: folder / f"{part}.json" for part in parts}
    return {part: _result(json.loads(file.read_text())) for part, file in files.items() if file.exists()}


def _result(found: dict[str, object]) -> Result:
    tables = tuple(
        Table(**{**table, "figures": tuple(_figure(figure) for figure in table["figures"])})
        for table in found.pop("tables")  # type: ignore[attr-defined]
    )
    return Result(**found, tables=tables)  # type: ignore[arg-type]


def _figure(found: dict[str, object]) -> Figure:
    return Figure(**{**found, "samples": tuple(found["samples"])})  # type: ignore[arg-type]


def _rounded(value: object) -> object:
    """With as many digits as anybody can use, and without what has its default."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {
            key: _rounded(entry) for key, entry in value.items() if entry is not None and (key, entry) != NOT_ABSENT
        }
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return value
