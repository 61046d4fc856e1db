"""How long stories took when they passed."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping

from ..core.estimates import median

PASSES = 5
"""So many of the latest passes of a story count."""
RUNS = 50
"""So many of the latest runs are looked at."""


def median_durations(execute: Callable[..., sqlite3.Cursor], nodes: Iterable[str]) -> Mapping[str, float]:
    """The median of the latest passes in seconds, by node id, of those stories that have passed.

    :raises sqlite3.Error: if the database cannot be read.
    """
    passes: dict[str, list[float]] = {node: [] for node in nodes}
    wanted = len(passes)
    run = sys.maxsize
    # Run by run, as the table lies: until all are known that is one walk through what the latest runs wrote.
    for _ in range(RUNS):
        (run,) = execute("SELECT max(run) FROM attempt WHERE run < ?", [run]).fetchone()
        if run is None or not wanted:
            break
        for node, duration in execute(
            "SELECT node, duration FROM attempt WHERE run = ? AND number > 0 AND outcome = 'passed'", [run]
        ):
            known = passes.get(node)
            if known is not None and len(known) < PASSES:
                known.append(duration)
                wanted -= len(known) == PASSES
    return {node: median(known) for node, known in passes.items() if known}
