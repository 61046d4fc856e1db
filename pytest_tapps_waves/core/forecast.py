"""What can be said of a run before it begins, and of one that is over: how long it would take otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .estimates import Estimates
from .graph import Graph
from .policies import POLICIES
from .replay import Replay

Replaying = Callable[[str, int], Replay]
"""Replays the plan under a schedule, with so many stories at once."""

NO_BETTER = 0.01
"""A makespan that is longer by this part of it is as good."""
LEAST_SAVED = 1.0
"""Seconds that are worth a line."""
LEAST_PART_SAVED = 0.1
"""The part of a run's time that is."""


class Bound(NamedTuple):
    """What no schedule can do better than."""

    path: Sequence[str]
    """The critical path: the chain of stories that takes longest."""
    length: float
    """Of that chain."""
    work: float
    """Of all stories together."""

    def makespan(self, limit: int) -> float:
        """The least that ``limit`` stories at once can take."""
        return max(self.length, self.work / limit)


class Forecast(NamedTuple):
    """What a plan is going to take."""

    concurrent: bool
    """Whether the run is going to be at once; else it is what it could be."""
    limit: int
    """So many stories at once."""
    makespans: Mapping[str, float]
    """By schedule, in the unit of the estimates."""
    bound: Bound
    enough: int
    """With more stories than this at once the eager schedule takes no less."""
    estimates: Estimates


class Outlook(NamedTuple):
    """What is thought of a run that begins, in seconds."""

    durations: Mapping[str, float]
    """Of each story."""
    makespan: float


def bound_of(graph: Graph, durations: Mapping[str, float], ran: frozenset[str]) -> Bound:
    """:param ran: the stories that count; with each, its dependencies."""
    counted = {key: durations[key] if key in ran else 0.0 for key in graph.stories}
    path = graph.critical_path(counted)
    return Bound(path, sum(counted[key] for key in path), sum(counted.values()))


def forecast(graph: Graph, estimates: Estimates, limit: int, replay: Replaying, unlimited: Replaying) -> Forecast:
    """
    :param limit: so many stories at once; 0 if they run one by one: then it is told what it would be with as many as
        are of use.
    :param unlimited: the same as ``replay`` without the limits of single epics.
    """
    free = unlimited("eager", len(graph.stories))
    bound = bound_of(graph, estimates.durations, free.ran)
    enough = _enough(free, bound, unlimited)
    at_once = limit or enough
    makespans = {schedule: replay(schedule, at_once).makespan for schedule in POLICIES}
    return Forecast(bool(limit), at_once, makespans, bound, enough, estimates)


def eager_instead(took: float, least: float, limit: int, replay: Replaying) -> float | None:
    """How long a run of waves that is over would have taken with the eager schedule; None if it saves too little.

    What the run took longer than its replay, between its stories, is taken to be lost under any schedule.

    :param took: seconds.
    :param least: the seconds that no schedule can do better than.
    :param replay: with the durations that the stories really had.
    """
    worth = max(LEAST_SAVED, took * LEAST_PART_SAVED)
    if took - least < worth:
        return None
    waves = replay("waves", limit).makespan
    if waves - least < worth:
        return None
    instead = replay("eager", limit).makespan + max(0.0, took - waves)
    return instead if took - instead >= worth else None


def _enough(free: Replay, bound: Bound, replay: Replaying) -> int:
    """The fewest at once that take no longer than ``free``, which is without a limit; found by halves.

    It is not certain that there are no fewer, since more at once may take longer (R. Graham, "Bounds for certain
    multiprocessing anomalies", 1966), but the number that is found has been replayed.
    """
    aim = free.makespan * (1 + NO_BETTER)
    high = max(free.most_at_once, 1)
    low = min(high, max(1, math.ceil(bound.work / aim))) if aim else high
    while low < high:
        middle = (low + high) // 2
        if replay("eager", middle).makespan <= aim:
            high = middle
        else:
            low = middle + 1
    return high
