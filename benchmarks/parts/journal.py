"""What the journal costs: CPU of whole pytest processes with it and without it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..figures import Figure, Table
from ..measuring import OURS, PARALLEL, Scale, cpu_ratios, pytest
from ..projects import call_stories

TARGET = 1.10
WITHOUT = """
import pytest_tapps_waves.run

pytest_tapps_waves.run.open_records = lambda *args, **kwargs: None
pytest_tapps_waves.run.definitions_of = lambda *args: {}
"""
"""A plugin that leaves it out. There is no option for that: whoever wants no journal has no use for its cost either."""


def measure(scale: Scale) -> list[Table]:
    size = scale.size(10_000, 20)
    figures = [
        Figure(row, f"{size:,} no-op stories", _ratios(size, scale, options), None if scale.smallest else TARGET)
        for row, options in (("one by one", ()), ("8 at once", PARALLEL))
    ]
    return [Table("The journal: CPU with it / without it", "", tuple(figures))]


def _ratios(size: int, scale: Scale, options: tuple[str, ...]) -> tuple[float, ...]:
    with tempfile.TemporaryDirectory() as name:
        folder = call_stories(Path(name) / "async", size)
        (folder / "without.py").write_text(WITHOUT)
        ours = (*OURS, *options)
        return cpu_ratios(
            scale, lambda: pytest(folder, size, "-p", "without", *ours), lambda: pytest(folder, size, *ours)
        )
