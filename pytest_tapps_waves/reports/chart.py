"""What has become of a plan, as a Mermaid flowchart: a box a wave, colours by outcome, the critical path in bold.

The syntax is that of https://mermaid.js.org/syntax/flowchart.html. Names stand in quotes; what could end them, or be
taken for Markdown or HTML, is written as an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from ..core.graph import Graph, Waves
from ..core.model import State
from ..inert import one_line

MOST_EDGES = 500
MOST_CHARACTERS = 50_000
"""The defaults of Mermaid's ``maxEdges`` and ``maxTextSize``: it draws nothing of a larger chart."""

_LONGEST_TITLE = 40
_SPECIAL = re.compile(r"[^\w .,/+-]", re.ASCII)
_CLASSES = {
    State.PASSED: "passed",
    State.DONE: "passed",
    State.FAILED: "failed",
    State.REFUSED: "failed",
    State.CANCELLED: "skipped",
    State.SKIPPED: "skipped",
}
_STYLES = (
    "classDef passed fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328",
    "classDef skipped fill:#f6f8fa,stroke:#818b98,color:#59636e,stroke-dasharray:4",
)


def chart_lines(
    graph: Graph, waves: Waves, titles: Mapping[str, str], states: Mapping[str, State] | None = None
) -> Iterator[str]:
    """
    :param titles: of the stories that have one, by key.
    :param states: what has become of the stories, for their colours.
    """
    names = {key: f"s{number}" for number, key in enumerate(graph.stories)}
    yield "flowchart LR"
    for number, wave in enumerate(waves, 1):
        yield f'  subgraph w{number}["wave {number}"]'
        for key in wave:
            kind = _CLASSES.get(states[key], "") if states else ""
            yield f'    {names[key]}["{_label(graph, key, titles)}"]' + (f":::{kind}" if kind else "")
        yield "  end"
    path = graph.critical_path()
    critical = set(pairwise(path))
    for key, story in graph.stories.items():
        for dependency in dict.fromkeys(story.dependencies):
            arrow = "==>" if (dependency, key) in critical else "-->"
            yield f"  {names[dependency]} {arrow} {names[key]}"
    if states:
        yield from (f"  {style}" for style in _STYLES)


def _label(graph: Graph, key: str, titles: Mapping[str, str]) -> str:
    title = one_line(titles.get(key, ""))
    if len(title) > _LONGEST_TITLE:
        title = f"{title[: _LONGEST_TITLE - 3]}..."
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", f"{one_line(graph.stories[key].id)} {title}".strip())
