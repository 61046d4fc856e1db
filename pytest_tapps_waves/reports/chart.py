"""A graph as a Mermaid flowchart, as GitHub and GitLab draw it in Markdown.

The format is that of https://mermaid.js.org/syntax/flowchart.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..core.graph import Graph, Waves

MOST_EDGES = 500
MOST_CHARACTERS = 50_000
"""The defaults of Mermaid's ``maxEdges`` and ``maxTextSize``: it draws nothing of a larger chart."""

_ENTITIES = str.maketrans({sign: f"#{ord(sign)};" for sign in '"#&<>`\\'})
"""Signs that mean something within a quoted label, as its entity codes."""
_CRITICAL = "stroke:#d1242f,stroke-width:3px"


class Chart(NamedTuple):
    """What is drawn: a box a wave, with the critical path in bold red."""

    graph: Graph
    waves: Waves
    labels: Mapping[str, Sequence[str]]
    """What each story's box says, by lines."""
    path: Sequence[str]
    """The stories along the critical path."""
    clashes: Iterable[tuple[str, str, str]] = ()
    """Pairs of stories that are joined by a dashed line, and what it says."""
    looks: Mapping[str, str] = {}
    """The name of a story's look, of those that have one."""
    styles: Mapping[str, str] = {}
    """The style of each look, as of ``classDef``."""


def chart_lines(chart: Chart) -> Iterator[str]:
    """The text of a chart."""
    name = {key: f"s{place}" for place, key in enumerate(chart.graph.stories, 1)}
    yield "flowchart LR"
    for number, wave in enumerate(chart.waves, 1):
        yield f'  subgraph w{number}["wave {number}"]'
        for key in wave:
            look = f":::{chart.looks[key]}" if key in chart.looks else ""
            yield f'    {name[key]}["{"<br>".join([_text(line) for line in chart.labels[key]])}"]{look}'
        yield "  end"
    critical = set(pairwise(chart.path))
    red: list[int] = []
    for place, edge in enumerate(chart.graph.edges()):
        yield f"  {name[edge[0]]} --> {name[edge[1]]}"
        if edge in critical:
            red.append(place)
    for one, other, words in chart.clashes:
        yield f'  {name[one]} -. "{_text(words)}" .- {name[other]}'
    yield from (f"  classDef {look} {style}" for look, style in chart.styles.items())
    yield from (f"  style {name[key]} {_CRITICAL}" for key in chart.path)
    if red:
        yield f"  linkStyle {','.join(map(str, red))} {_CRITICAL}"


def _text(text: str) -> str:
    return text.translate(_ENTITIES)
