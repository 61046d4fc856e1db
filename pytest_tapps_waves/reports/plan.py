"""``--epic-plan=text``: waves, conflicts, the critical path, and how long it is going to take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.conflicts import Conflict, describe
from ..core.graph import Graph, Waves
from .words import seconds, stories

if TYPE_CHECKING:
    from ..core.estimates import Estimates
    from ..core.forecast import Forecast


def plan_lines(
    graph: Graph, waves: Waves, conflicts: Sequence[Conflict], titles: Mapping[str, str], forecast: Forecast
) -> Iterator[str]:
    """:param titles: of the stories that have one, by key."""
    if not graph.stories:
        yield "no stories"
        return
    width = max((len(key) for key in graph.stories), default=0)
    for number, wave in enumerate(waves, 1):
        yield f"wave {number}: {stories(len(wave))}"
        for key in wave:
            yield f"  {key:<{width}}  {titles.get(key, '')}".rstrip()
    if conflicts:
        yield "conflicts:"
        yield from (f"  {conflict.policy.value}: {describe(graph, conflict)}" for conflict in conflicts)
    yield from _path_lines(forecast)
    yield _source_line(forecast.estimates)
    if forecast.estimates.measured:
        yield from _time_lines(forecast)
    enough = forecast.enough
    yield f"more than {enough} at once {'is' if enough == 1 else 'are'} of no use{_proviso(forecast.estimates)}"


def _path_lines(forecast: Forecast) -> Iterator[str]:
    path, estimates = forecast.bound.path, forecast.estimates
    known = bool(estimates.measured)
    yield f"critical path: {stories(len(path))}" + (f", {seconds(forecast.bound.length)}" if known else "")
    for before, key in zip([None, *path], path, strict=False):
        duration = f"  {seconds(estimates.durations[key])}" if known else ""
        yield f"  {'' if before is None else '-> '}{key}{duration}"


def _source_line(estimates: Estimates) -> str:
    """Where the durations come from."""
    parts = [f"{estimates.measured} measured" if estimates.measured else "none measured yet"]
    parts += [f"{number} guessed by {kind}" for kind, number in estimates.guessed.items()]
    if estimates.unknown and estimates.measured:
        parts.append(f"{estimates.unknown} unknown, taken to be {seconds(estimates.usual)}, the median")
    elif estimates.unknown:
        parts.append(f"{estimates.unknown} unknown, taken to be alike")
    return f"durations: {'; '.join(parts)}"


def _time_lines(forecast: Forecast) -> Iterator[str]:
    bound, limit = forecast.bound, forecast.limit
    taken = ", ".join(f"{schedule} {seconds(makespan)}" for schedule, makespan in forecast.makespans.items())
    share = f"work / {limit} {seconds(bound.work / limit)}"
    least = f"at least {seconds(bound.makespan(limit))} (critical path {seconds(bound.length)}, {share})"
    if not forecast.concurrent:
        yield f"one at a time: {seconds(bound.work)}"
    how = f"{limit} at once" if forecast.concurrent else f"with --epic-parallel={limit}"
    yield f"{how}: {taken}; {least}"


def _proviso(estimates: Estimates) -> str:
    if estimates.measured:
        return ""
    return ", as guessed" if estimates.guessed else ", if all take equally long"
