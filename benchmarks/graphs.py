"""Random stories of uneven length: several shapes, heavy-tailed durations, a seed each."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

TAIL = 1.3
"""Exponent of the Pareto distribution of durations: the mean exists, the variance does not."""
LONGEST = 60.0
"""Times the shortest duration; longer ones are cut, else one story is all that a run is about."""


@dataclass(frozen=True, slots=True)
class UnevenGraph:
    """Stories 0, 1, 2, …; each depends on earlier ones only. All depend on the first, the last depends on all."""

    name: str
    dependencies: tuple[tuple[int, ...], ...]
    durations: tuple[float, ...]
    """Seconds; the first and the last story take none, and mark when the work began and ended."""

    @property
    def size(self) -> int:
        return len(self.durations)

    @property
    def critical_path(self) -> float:
        ends: list[float] = []
        for dependencies, duration in zip(self.dependencies, self.durations, strict=True):
            ends.append(duration + max((ends[number] for number in dependencies), default=0.0))
        return max(ends)

    def lower_bound(self, limit: int) -> float:
        """No schedule of ``limit`` stories at once can take less."""
        return max(self.critical_path, sum(self.durations) / limit)

    def scaled(self, seconds: float, limit: int) -> UnevenGraph:
        """The same, with a lower bound of so many seconds."""
        factor = seconds / self.lower_bound(limit)
        return replace(self, durations=tuple(duration * factor for duration in self.durations))

    def rounded(self, ticks: int) -> UnevenGraph:
        """The same, with durations that are whole ticks."""
        return replace(self, durations=tuple(round(duration * ticks) / ticks for duration in self.durations))

    @property
    def waves(self) -> list[list[int]]:
        """Each story right after the last wave of its dependencies."""
        levels: list[int] = []
        for dependencies in self.dependencies:
            levels.append(1 + max((levels[number] for number in dependencies), default=-1))
        return [[number for number, level in enumerate(levels) if level == wave] for wave in range(max(levels) + 1)]


def uneven_graph(seed: int, size: int = 200) -> UnevenGraph:
    """``size`` stories and two that mark the ends; which shape it has is a matter of the seed."""
    chance = random.Random(seed)
    name, shape = list(SHAPES.items())[seed % len(SHAPES)]
    inner = [sorted(set(wanted)) for wanted in shape(chance, size)]
    needed = {number for wanted in inner for number in wanted}
    last = tuple(number + 1 for number in range(size) if number not in needed)
    durations = (min(chance.paretovariate(TAIL), LONGEST) for _ in range(size))
    return UnevenGraph(
        name=f"{name} {seed}",
        dependencies=((), *(tuple(number + 1 for number in wanted) or (0,) for wanted in inner), last),
        durations=(0.0, *durations, 0.0),
    )


def _layers(chance: random.Random, size: int) -> list[list[int]]:
    """Layers of random width; each story needs one to three of the layer before."""
    wanted: list[list[int]] = []
    before: list[int] = []
    while len(wanted) < size:
        layer = range(len(wanted), min(size, len(wanted) + chance.randint(4, 40)))
        wanted += [chance.sample(before, min(len(before), chance.randint(1, 3))) for _ in layer]
        before = list(layer)
    return wanted


def _neighbours(chance: random.Random, size: int) -> list[list[int]]:
    """Each needs up to three of the thirty before it, as in an epic that is written down as it will be done."""
    return [
        [chance.randrange(max(0, number - 30), number) for _ in range(min(number, chance.randint(0, 3)))]
        for number in range(size)
    ]


def _features(chance: random.Random, size: int) -> list[list[int]]:
    """Chains of 2 to 15 stories beside one another; now and then a story waits for another chain too."""
    wanted: list[list[int]] = []
    while len(wanted) < size:
        length = min(size - len(wanted), chance.randint(2, 15))
        for place in range(length):
            number = len(wanted)
            chain = [number - 1] if place else []
            other = [chance.randrange(number)] if number and chance.random() < 0.15 else []
            wanted.append(chain + other)
    return wanted


SHAPES: dict[str, Callable[[random.Random, int], list[list[int]]]] = {
    "layers": _layers,
    "neighbours": _neighbours,
    "features": _features,
}
"""By name; each gives the dependencies of ``size`` stories."""
