"""Launching many commands that do nothing, against tools that do only that."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..figures import Figure, Table
from ..measuring import Cost, Scale
from ..peers import Absent
from ..tools import Contestant, Work, doit, make, ninja, snakemake, stories

AT_ONCE = 8
TARGET = 1.2
MOONSHOT = 0.9
"""Both times what doit takes."""
COLUMNS: Mapping[str, Callable[[Cost], float]] = {"wall": lambda cost: cost.wall, "CPU": lambda cost: cost.cpu}
PREPARED: Mapping[str, Callable[[Path, Work, int, bool], Contestant]] = {
    "ours": lambda folder, work, limit, smallest: stories(folder, work, limit),
    "doit": doit,
    "make": make,
    "ninja": ninja,
    "snakemake": snakemake,
}


@dataclass(slots=True)
class Entry:
    """What became of a contestant."""

    label: str
    run: Callable[[], Cost] | None = None
    absent: str = ""
    costs: list[Cost] = field(default_factory=list)


def measure(scale: Scale) -> list[Table]:
    size = scale.size(1000, 40)
    with tempfile.TemporaryDirectory() as name:
        entries = _entries(Path(name), size, scale.smallest)
        for counts in scale.rounds():
            for entry in entries.values():
                if entry.run is not None:
                    cost = entry.run()
                    if counts:
                        entry.costs.append(cost)
    title = f"{size:,} times `true`, {AT_ONCE} at once, whole process"
    base = entries.pop("doit")
    seconds = [_seconds(entry, column) for entry in (*entries.values(), base) for column in COLUMNS]
    ratios = [_ratio(row, entry, base, column) for row, entry in entries.items() for column in COLUMNS]
    return [Table(title, "", tuple(seconds), "s"), Table(f"{title}: over {base.label}", "", tuple(ratios))]


def _entries(folder: Path, size: int, smallest: bool) -> dict[str, Entry]:
    work = Work([["true"]] * size, [[]] * size)
    entries = {}
    for row, prepare in PREPARED.items():
        try:
            contestant = prepare(folder / row, work, AT_ONCE, smallest)
        except Absent as absent:
            entries[row] = Entry(row, absent=str(absent))
        else:
            entries[row] = Entry(contestant.label, contestant.run)
    return entries


def _seconds(entry: Entry, column: str) -> Figure:
    return Figure(entry.label, column, tuple(map(COLUMNS[column], entry.costs)), absent=entry.absent)


def _ratio(row: str, entry: Entry, base: Entry, column: str) -> Figure:
    target, moonshot = (TARGET, MOONSHOT) if row == "ours" else (None, None)
    of = COLUMNS[column]
    samples = tuple(of(cost) / of(beside) for cost, beside in zip(entry.costs, base.costs, strict=False))
    absent = "" if samples else f"{row}: {entry.absent}" if entry.absent else f"doit: {base.absent}"
    return Figure(entry.label, column, samples, target, moonshot=moonshot, absent=absent)
