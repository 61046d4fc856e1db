"""``--epic-plan=mermaid``: a flowchart, as GitHub and GitLab draw it in Markdown.

The format is that of https://mermaid.js.org/syntax/flowchart.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from .view import PlanView

_ENTITIES = str.maketrans({sign: f"#{ord(sign)};" for sign in '"#&<>`\\'})
"""Signs that mean something within a quoted label, as its entity codes."""
_CRITICAL = "stroke:#d1242f,stroke-width:3px"
_CONFLICT = "stroke:#bf8700,stroke-width:2px,stroke-dasharray:4 3"


def mermaid_lines(view: PlanView) -> Iterator[str]:
    """A box a wave; the critical path in bold red, conflicts dashed."""
    yield "flowchart LR"
    yield from (f"  %% {note}" for note in view.notes)
    name = {key: f"s{place}" for place, key in enumerate(view.graph.stories, 1)}
    labels = {key: "<br>".join([line.translate(_ENTITIES) for line in lines]) for key, lines in view.labels()}
    for number, wave in enumerate(view.waves, 1):
        yield f'  subgraph w{number}["wave {number}"]'
        for key in wave:
            yield f'    {name[key]}["{labels[key]}"]'
        yield "  end"
    critical = view.critical_edges()
    red: list[int] = []
    for place, edge in enumerate(view.edges()):
        yield f"  {name[edge[0]]} --> {name[edge[1]]}"
        if edge in critical:
            red.append(place)
    for one, other, paths in view.clashes():
        yield f'  {name[one]} -. "{paths.translate(_ENTITIES)}" .- {name[other]}'
    yield f"  classDef critical {_CRITICAL}"
    yield f"  classDef conflict {_CONFLICT}"
    clashing = {key for conflict in view.conflicts for key in conflict.stories}
    path = set(view.forecast.bound.path)
    for style, members in (("conflict", clashing - path), ("critical", path)):
        if members:
            yield f"  class {','.join(name[key] for key in view.graph.stories if key in members)} {style}"
    if red:
        yield f"  linkStyle {','.join(map(str, red))} {_CRITICAL}"
