"""``--epic-plan=text``: waves, conflicts and the critical path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..core.conflicts import Conflict, describe
from ..core.graph import Graph, Waves
from .words import stories


def plan_lines(graph: Graph, waves: Waves, conflicts: Sequence[Conflict], titles: Mapping[str, str]) -> Iterator[str]:
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
    path = graph.critical_path()
    yield f"critical path: {stories(len(path))}"
    for before, key in zip([None, *path], path, strict=False):
        yield f"  {'' if before is None else '-> '}{key}"
