"""How cost and memory grow with the number of stories."""

from __future__ import annotations

import math
import tempfile
from itertools import pairwise
from pathlib import Path

from ..figures import Figure, Table
from ..measuring import OURS, PARALLEL, Cost, Scale, pytest
from ..projects import call_stories, plain_tests

SIZES = (1000, 10_000, 100_000)
EXPONENT = 1.05
KIB_A_STORY = 6.0
PLAIN = "plain pytest"
SIDES: dict[str, tuple[str, ...]] = {
    PLAIN: (),
    "async call, one by one": OURS,
    "async call, 8 at once": (*OURS, *PARALLEL),
}


def measure(scale: Scale) -> list[Table]:
    sizes = (20, 200) if scale.smallest else SIZES
    costs = {size: _costs(size, scale) for size in sizes}
    cpu, memory, exponents, each = [], [], [], []
    for row in SIDES:
        aimed = row != PLAIN and not scale.smallest
        for size in sizes:
            cpu.append(Figure(row, f"{size:,}", tuple(cost.cpu for cost in costs[size][row])))
            memory.append(Figure(row, f"{size:,}", tuple(cost.memory / 1024 for cost in costs[size][row])))
        for few, many in pairwise(sizes):
            pairs = list(zip(costs[few][row], costs[many][row], strict=True))
            column = f"{few:,} to {many:,}"
            grown = tuple(math.log(high.cpu / low.cpu) / math.log(many / few) for low, high in pairs)
            exponents.append(Figure(row, column, grown, EXPONENT if aimed else None))
            held = tuple((high.memory - low.memory) / (many - few) for low, high in pairs)
            each.append(Figure(row, column, held, KIB_A_STORY if aimed else None))
    return [
        Table("Growth: CPU", "items", tuple(cpu), "s"),
        Table("Growth: the exponent of the CPU; 1 is linear, less is start-up", "items", tuple(exponents)),
        Table("Growth: memory", "items", tuple(memory), "MiB", 0),
        Table("Growth: memory for one more item", "items", tuple(each), "KiB", 1),
    ]


def _costs(size: int, scale: Scale) -> dict[str, list[Cost]]:
    """By side, a run of each in turn."""
    with tempfile.TemporaryDirectory() as name:
        plain = plain_tests(Path(name) / "plain", size)
        stories = call_stories(Path(name) / "async", size)

        found: dict[str, list[Cost]] = {row: [] for row in SIDES}
        for counts in scale.rounds():
            for row, options in SIDES.items():
                cost = pytest(plain if row == PLAIN else stories, size, *options)
                if counts:
                    found[row].append(cost)
        return found
