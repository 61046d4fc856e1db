"""``--epic-plan=mermaid``: the plan as a flowchart for Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from ..chart import Chart, chart_lines
from .view import PlanView

_CONFLICT = "stroke:#bf8700,stroke-width:2px,stroke-dasharray:4 3"


def mermaid_lines(view: PlanView) -> Iterator[str]:
    """Stories in a conflict are dashed, and joined by what it is about."""
    yield from (f"%% {note}" for note in view.notes)
    clashing = [key for conflict in view.conflicts for key in conflict.stories]
    chart = Chart(
        view.graph,
        view.waves,
        labels=dict(view.labels()),
        path=view.forecast.bound.path,
        clashes=view.clashes(),
        looks=dict.fromkeys(clashing, "conflict"),
        styles={"conflict": _CONFLICT} if clashing else {},
    )
    yield from chart_lines(chart)
