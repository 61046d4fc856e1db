"""Schedules replayed without overhead: over the lower bound, and over the optimum that a solver proves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import product

from pytest_tapps_waves.core.graph import Graph
from pytest_tapps_waves.core.model import Story
from pytest_tapps_waves.core.policies.base import Terms
from pytest_tapps_waves.core.replay import replayed

from ..figures import Figure, Table
from ..graphs import UnevenGraph, uneven_graph
from ..measuring import Scale

LIMITS = (4, 8, 16)
SMALL_SIZES = (12, 20, 30)
SMALL_LIMITS = (2, 3, 4)
SOLVER_SECONDS = 20.0
"""For one graph; after that what is proved by then counts as its optimum, which flatters nobody."""
TICKS = 20
"""In the shortest duration: the solver's times are whole numbers."""
MEAN, WORST = 1.03, 1.10
AIMED = "eager, durations known"
"""The row that the targets are about."""
SCHEDULES: Mapping[str, tuple[str, bool]] = {
    "waves, durations not known": ("waves", False),
    "waves, durations known": ("waves", True),
    "eager, durations not known": ("eager", False),
    AIMED: ("eager", True),
}
"""By row: the schedule's name, and whether it is told the durations."""


def measure(scale: Scale) -> list[Table]:
    return [_over_bound(scale), _over_optimum(scale)]


def _over_bound(scale: Scale) -> Table:
    graphs = [uneven_graph(seed) for seed in range(scale.size(200, 3))]
    figures = [
        Figure(row, f"N = {limit}", tuple(makespan(graph, row, limit) / graph.lower_bound(limit) for graph in graphs))
        for row, limit in product(SCHEDULES, LIMITS)
    ]
    title = f"Replayed: {graphs[0].size - 2} uneven stories, {len(graphs)} random graphs: makespan / the lower bound"
    return Table(title, "", tuple(figures), digits=3)


def makespan(graph: UnevenGraph, row: str, limit: int) -> float:
    """Of a row of ``SCHEDULES``."""
    schedule, known = SCHEDULES[row]
    durations = {str(number): duration for number, duration in enumerate(graph.durations)}
    stories = Graph(
        Story(str(number), str(number), "epic", number, tuple(map(str, wanted)))
        for number, wanted in enumerate(graph.dependencies)
    )
    terms = Terms(durations if known else {})
    return replayed(stories, stories.waves, schedule, durations, limit=limit, terms=terms).makespan


def _over_optimum(scale: Scale) -> Table:
    title = "Replayed: makespan / the optimum that OR-tools CP-SAT proves"
    if find_spec("ortools") is None:
        rows = [Figure(row, "small graphs", absent="OR-tools is not installed") for row in SCHEDULES]
        return Table(title, "", tuple(rows), digits=3)
    tried = proved = 0
    found: dict[str, list[float]] = {row: [] for row in SCHEDULES}
    for graph, limit in _small(scale.size(scale.graphs, 1)):
        tried += 1
        makespans = {row: makespan(graph, row, limit) for row in SCHEDULES}
        least, is_optimum = optimum(graph, limit, min(makespans.values()))
        proved += is_optimum
        for row, ratios in found.items():
            ratios.append(makespans[row] / least)
    column = f"{tried} graphs of {SMALL_SIZES[0]} to {SMALL_SIZES[-1]} stories, the optimum proved for {proved}"
    figures = []
    for row, ratios in found.items():
        aimed = row == AIMED
        mean = (sum(ratios) / tried,)
        figures.append(Figure(row, f"mean of {column}", mean, MEAN if aimed else None))
        figures.append(Figure(row, "worst", (max(ratios),), WORST if aimed else None))
    return Table(title, "", tuple(figures), digits=3)


def _small(seeds: int) -> Iterator[tuple[UnevenGraph, int]]:
    """Durations are whole ticks, so that the solver's optimum is that of the replayed graph."""
    for seed, size, limit in product(range(seeds), SMALL_SIZES, SMALL_LIMITS):
        graph = uneven_graph(seed, size)
        yield graph.rounded(TICKS), limit


def optimum(graph: UnevenGraph, limit: int, found: float) -> tuple[float, bool]:
    """What the least makespan of ``limit`` stories at once is proved to be, or to be at least; and which of both.

    :param found: a makespan that is possible.
    """
    from ortools.sat.python import cp_model

    least, most = math.ceil(graph.lower_bound(limit) * TICKS - 1e-6), round(found * TICKS)
    if least == most:
        return found, True
    model = cp_model.CpModel()
    ticks = [round(duration * TICKS) for duration in graph.durations]
    starts = [model.new_int_var(0, most, f"start {number}") for number in range(graph.size)]
    for number, wanted in enumerate(graph.dependencies):
        for other in wanted:
            model.add(starts[number] >= starts[other] + ticks[other])
    intervals = [
        model.new_fixed_size_interval_var(start, length, "") for start, length in zip(starts, ticks, strict=True)
    ]
    model.add_cumulative(intervals, [1] * graph.size, limit)
    # The last story waits for all others and takes no time.
    model.add(starts[-1] >= least)
    model.minimize(starts[-1])
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = SOLVER_SECONDS
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    return solver.best_objective_bound / TICKS, status == cp_model.OPTIMAL
