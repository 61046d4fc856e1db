"""A plan driven by virtual time: how long a run takes, if its stories take so long."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from .conflicts import Conflict
from .graph import Graph, Waves
from .model import DependencyRules, EpicRules, State
from .plan import Plan
from .policies import POLICIES
from .policies.base import Terms
from .turns import find_turns


class Replay(NamedTuple):
    """What a replayed run was like."""

    makespan: float
    """From the first start to the last end, in the unit of the durations."""
    ran: frozenset[str]
    """The stories that ran; the others were in conflict, or depend on what is not there."""
    most_at_once: int


def replayed(
    graph: Graph,
    waves: Waves,
    schedule: str,
    durations: Mapping[str, float],
    *,
    limit: int,
    rules: Mapping[str, EpicRules] | None = None,
    conflicts: Sequence[Conflict] = (),
    dependency_rules: DependencyRules | None = None,
    terms: Terms | None = None,
    alone: Callable[[str], bool] = lambda key: False,
    beside: Callable[[str], bool] = lambda key: False,
) -> Replay:
    """Run the plan as the engine would, all stories passing, and none taking longer than it takes.

    :param schedule: a name in ``POLICIES``.
    :param durations: of all stories.
    :param terms: what the schedule is told; by default the true durations, and the turns by ``rules``.
    :param alone: tells which stories need the thread for themselves: nothing starts while one runs.
    :param beside: tells which stories must have ended before one of those begins.
    """
    terms = terms or Terms(durations, partial(find_turns, graph, waves, rules or {}), conflicts)
    plan = Plan(
        graph,
        POLICIES[schedule](graph, waves, terms),
        rules=rules,
        conflicts=conflicts,
        limit=limit,
        dependency_rules=dependency_rules,
    )
    plan.begin()
    now, most = 0.0, 0
    ends: list[tuple[float, int, str]] = []
    waiting: deque[str] = deque()
    held, in_thread = 0, ""
    ran: set[str] = set()

    def start(key: str) -> None:
        ran.add(key)
        heapq.heappush(ends, (now + durations[key], len(ran), key))

    while True:
        for key in () if in_thread else plan.next():
            if alone(key):
                waiting.append(key)
            else:
                held += beside(key)
                start(key)
        if waiting and not held and not in_thread:
            in_thread = waiting.popleft()
            start(in_thread)
        most = max(most, len(ends))
        plan.effects()
        if not ends:
            return Replay(now, frozenset(ran), most)
        now, _, key = heapq.heappop(ends)
        if key == in_thread:
            in_thread = ""
        else:
            held -= beside(key)
        plan.end(key, State.PASSED)
