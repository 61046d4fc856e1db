"""Planning and loading without pytest, in this process."""

from __future__ import annotations

import random

from pytest_tapps_waves.core.conflicts import find_conflicts
from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import EpicRules, Story
from pytest_tapps_waves.core.plan import Plan
from pytest_tapps_waves.core.policies.base import Terms
from pytest_tapps_waves.core.policies.waves import WavesPolicy
from pytest_tapps_waves.epics.loader import load
from pytest_tapps_waves.epics.pause import collector_paused

from ..figures import Figure, Table
from ..measuring import Scale, best
from ..projects import SEED, STORY_LINES, long_epic

SIZE = 100_000
TARGET = 1.5
FILES = 3
EPIC = "e.yaml"


def measure(scale: Scale) -> list[Table]:
    target = None if scale.smallest else TARGET
    size, times = scale.size(SIZE, 200), scale.size(scale.pairs, 1)
    stories = _stories(size)
    rules = {EPIC: EpicRules()}
    graph = Graph(stories)

    # As a run does it.
    @collector_paused()
    def whole() -> None:
        graph = Graph(stories)
        conflicts = find_conflicts(graph, graph.waves, rules)
        Plan(graph, WavesPolicy(graph, graph.waves, Terms()), rules=rules, conflicts=conflicts, limit=8).begin()

    @collector_paused()
    def conflicts_alone() -> None:
        find_conflicts(graph, graph.waves, rules)

    what = f"{size * 3 // 2:,} dependencies, {FILES} files each"
    column = "in one process"
    figures = [
        Figure("graph and waves", column, (best(collector_paused()(lambda: Graph(stories)), times),)),
        Figure("conflicts", column, (best(conflicts_alone, times),)),
        Figure("graph, waves, conflicts and plan", column, (best(whole, times),), target),
    ]
    lines = scale.size(10_000, 200)
    data = long_epic(lines).encode()
    loading = Figure(
        f"{lines:,} stories of {STORY_LINES} lines",
        f"{len(data) / 2**20:.1f} MiB of YAML and its checks",
        (best(lambda: load(data, "epic_bench.yaml"), times),),
    )
    return [
        Table(f"Planning {size:,} stories: CPU, the least of {times}", what, tuple(figures), "s"),
        Table(f"Loading an epic: CPU, the least of {times}", "", (loading,), "s"),
    ]


def _stories(size: int) -> list[Story]:
    chance = random.Random(SEED)
    wanted: list[set[str]] = [set() for _ in range(size)]
    for _ in range(size * 3 // 2):
        later = chance.randrange(1, size)
        wanted[later].add(f"{EPIC}::{chance.randrange(later)}")
    return [
        Story(
            f"{EPIC}::{number}",
            str(number),
            EPIC,
            number + 1,
            tuple(sorted(dependencies)),
            tuple(f"src/{chance.randrange(4 * size)}.py" for _ in range(FILES)),
        )
        for number, dependencies in enumerate(wanted)
    ]
