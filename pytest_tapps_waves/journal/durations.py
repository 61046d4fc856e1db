"""How long stories took when they passed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping

from ..core.estimates import median

PASSES = 5
"""So many of the latest passes of a story count."""

# Read along the table's key: it costs the same however many runs and other stories there are.
_QUERY = f"""
    SELECT duration FROM attempt WHERE node = ? AND number > 0 AND outcome = 'passed'
    ORDER BY run DESC, number DESC LIMIT {PASSES}
"""


def median_durations(execute: Callable[..., sqlite3.Cursor], nodes: Iterable[str]) -> Mapping[str, float]:
    """The median of the latest passes in seconds, by node id, of those stories that have passed.

    :raises sqlite3.Error: if the database cannot be read.
    """
    found = {node: execute(_QUERY, [node]).fetchall() for node in sorted(nodes)}
    return {node: median([duration for (duration,) in passes]) for node, passes in found.items() if passes}
