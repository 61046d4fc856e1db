"""The parts of the benchmark. A new one is a file here, a line in ``PARTS``, and its markers in docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..figures import Table
from ..measuring import Scale
from . import async_tests, commands, growth, journal, makespan, optimum, overhead, peer_items, planning

PARTS: dict[str, Callable[[Scale], Sequence[Table]]] = {
    "makespan": makespan.measure,
    "optimum": optimum.measure,
    "overhead": overhead.measure,
    "peer-items": peer_items.measure,
    "commands": commands.measure,
    "growth": growth.measure,
    "planning": planning.measure,
    "journal": journal.measure,
    "async-tests": async_tests.measure,
}
"""By name, in the order in which they are measured and told."""
