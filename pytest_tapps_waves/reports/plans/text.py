"""``--epic-plan=text``: waves as columns, conflicts, the critical path, and how long it is going to take."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.conflicts import describe
from ...inert import one_line
from ..words import counted, seconds, stories
from .view import PlanView

if TYPE_CHECKING:
    from ...core.estimates import Estimates
    from ...core.forecast import Forecast

_NARROWEST = 26
_WIDEST = 60
"""Of a column, in characters."""
_CONFLICTING = "!"
_CRITICAL = "*"


def text_lines(view: PlanView) -> Iterator[str]:
    """As many waves beside one another as the terminal has room for."""
    if not view.graph.stories:
        yield "no stories"
        return
    columns = max(1, view.width // _NARROWEST)
    for first in range(0, len(view.waves), columns):
        yield from _table(view, range(first, min(first + columns, len(view.waves))))
    yield f"{_CRITICAL} on the critical path" + (f"   {_CONFLICTING} in a conflict" if view.conflicts else "")
    if view.conflicts:
        yield "conflicts:"
        yield from (f"  {conflict.policy.value}: {describe(view.graph, conflict)}" for conflict in view.conflicts)
    forecast = view.forecast
    yield from _path_lines(forecast)
    yield _source_line(forecast.estimates)
    if forecast.estimates.measured:
        yield from _time_lines(forecast)
    enough = forecast.enough
    yield f"more than {enough} at once {'is' if enough == 1 else 'are'} of no use{_proviso(forecast.estimates)}"
    yield from view.notes


def _table(view: PlanView, numbers: Sequence[int]) -> Iterator[str]:
    """The waves of these numbers, counted from 0, as columns, with a section for each epic."""
    # Imported here, since no other run needs it.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Signs that every terminal and every code page has.
    width = min(view.width - 1, len(numbers) * _WIDEST)
    table = Table(box=box.ASCII, width=width, pad_edge=False)
    for number in numbers:
        table.add_column(f"wave {number + 1}: {counted(len(view.waves[number]), 'story', 'stories')}", ratio=1)
    for epic, cells in _cells(view, numbers).items():
        table.add_row(Text(one_line(epic), overflow="fold"))
        table.add_row(*(Text("\n".join(cell), no_wrap=True, overflow="ellipsis") for cell in cells), end_section=True)
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
    yield from (line.rstrip() for line in captured.get().splitlines())


def _cells(view: PlanView, numbers: Sequence[int]) -> Mapping[str, Sequence[list[str]]]:
    """For each epic, in file order, its stories in each of these waves."""
    path = set(view.forecast.bound.path)
    clashing = {key for conflict in view.conflicts for key in conflict.stories}
    shown = {key for number in numbers for key in view.waves[number]}
    graph = view.graph
    cells: dict[str, list[list[str]]] = {
        story.epic: [[] for _ in numbers] for key, story in graph.stories.items() if key in shown
    }
    for column, number in enumerate(numbers):
        for key in view.waves[number]:
            marks = f"{_CRITICAL if key in path else ' '}{_CONFLICTING if key in clashing else ' '}"
            cells[graph.stories[key].epic][column].append(f"{marks} {view.label(key)}")
    return cells


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
