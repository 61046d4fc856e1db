"""How long stories took when they passed."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from ..core.estimates import median

PASSES = 5
"""So many of the latest passes of a story count."""
RUNS = 50
"""So many of the latest runs are looked at."""
_FEW = 100
"""So few stories are looked up by name."""

_PASSES = "FROM attempt WHERE run = ? AND number > 0 AND outcome = 'passed'"


def median_durations(
    execute: Callable[..., sqlite3.Cursor], nodes: Iterable[str], short: float = 0.0
) -> Mapping[str, float]:
    """The median of the latest passes in seconds, by node id, of those stories that have passed.

    :param short: seconds; of a story that took no longer when it passed last, no more is asked.
    :raises sqlite3.Error: if the database cannot be read.
    """
    passes: dict[str, list[float]] = {node: [] for node in nodes}
    wanted = set(passes)
    run = sys.maxsize
    for _ in range(RUNS):
        (run,) = execute("SELECT max(run) FROM attempt WHERE run < ?", [run]).fetchone()
        if run is None or not wanted:
            break
        for node, duration in _passes_in(execute, run, wanted):
            known = passes[node]
            known.append(duration)
            if len(known) == PASSES or (duration <= short and len(known) == 1):
                wanted.discard(node)
    return {node: median(known) for node, known in passes.items() if known}


def _passes_in(
    execute: Callable[..., sqlite3.Cursor], run: int, wanted: Collection[str]
) -> Iterator[tuple[str, float]]:
    """The passes of a run of those that are wanted when their turn comes."""
    if len(wanted) <= _FEW:
        for node in sorted(wanted):
            for (duration,) in execute(f"SELECT duration {_PASSES} AND node = ?", [run, node]):
                if node in wanted:
                    yield node, duration
        return
    # As the table lies: one walk through what the run wrote.
    for node, duration in execute(f"SELECT node, duration {_PASSES}", [run]):
        if node in wanted:
            yield node, duration
