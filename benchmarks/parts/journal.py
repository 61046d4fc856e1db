"""What the journal costs: CPU of whole pytest processes with it and without it."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from ..figures import Figure, Table
from ..measuring import OURS, PARALLEL, Scale, cpu_ratios, pytest
from ..projects import call_stories

TARGET = 1.10
WITHOUT = """
import sys


def pytest_plugin_registered(plugin):
    module = sys.modules.get("pytest_tapps_waves.run")
    if module is not None and isinstance(plugin, module.EpicRun):
        module.open_records = lambda *args, **kwargs: None
        module.definitions_of = lambda *args: {}
"""
"""A plugin that leaves it out. There is no option for that: whoever wants no journal has no use for its cost either.

It imports nothing of ours, so that both sides load the same modules in the same order, and by the same loaders. That
decides how many more times the interpreter walks through all items and reports when it ends: what pytest rewrites as it
loads leads to its configuration, and pytest-asyncio's ``overload`` is remembered by :mod:`typing` to the very end. Once
more is 5 % of a run of 10,000 stories, as much as most of what is to be measured.
"""


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
        ratios = cpu_ratios(
            scale, lambda: pytest(folder, size, "-p", "without", *ours), lambda: pytest(folder, size, *ours)
        )
        _check(folder, len(list(scale.rounds())))
        return ratios


def _check(folder: Path, rounds: int) -> None:
    """See that one side was written down and the other was not: else their costs would be equal, and all well.

    :raises SystemExit: if that is not so.
    """
    (path,) = folder.glob(".pytest_cache/**/journal.db")
    with closing(sqlite3.connect(path)) as database:
        (runs,) = database.execute("SELECT count(*) FROM run").fetchone()
    if runs != rounds:
        raise SystemExit(f"{runs} runs are in the journal, after {rounds} with it and {rounds} without it")
