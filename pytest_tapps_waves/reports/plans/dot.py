"""``--epic-plan=dot``: a graph for Graphviz, in the language of https://graphviz.org/doc/info/lang.html."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .view import PlanView

_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\"})
_CRITICAL = 'color="#d1242f", penwidth=3'
_CONFLICT = 'color="#bf8700", style=dashed'


def dot_lines(view: PlanView) -> Iterator[str]:
    """A cluster a wave; the critical path in bold red, conflicts dashed."""
    yield "digraph epics {"
    yield from (f"  // {note}" for note in view.notes)
    yield "  rankdir=LR"
    yield '  node [shape=box, fontname="sans-serif"]'
    labels = dict(view.labels())
    path = set(view.forecast.bound.path)
    clashing = {key for conflict in view.conflicts for key in conflict.stories}
    for number, wave in enumerate(view.waves, 1):
        yield f"  subgraph cluster_{number} {{"
        yield f'    label="wave {number}"'
        for key in wave:
            style = f", {_CRITICAL}" if key in path else f", {_CONFLICT}" if key in clashing else ""
            yield f"    {_quoted(key)} [label={_quoted(*labels[key])}, tooltip={_quoted(key)}{style}]"
        yield "  }"
    critical = set(pairwise(view.forecast.bound.path))
    for edge in view.graph.edges():
        style = f" [{_CRITICAL}]" if edge in critical else ""
        yield f"  {_quoted(edge[0])} -> {_quoted(edge[1])}{style}"
    for one, other, paths in view.clashes():
        label = f"label={_quoted(paths)}"
        yield f"  {_quoted(one)} -> {_quoted(other)} [dir=none, constraint=false, {label}, {_CONFLICT}]"
    yield "}"


def _quoted(*lines: str) -> str:
    return '"' + "\\n".join([line.translate(_ESCAPES) for line in lines]) + '"'
