"""Where the graph of a run is drawn: a column for each wave, and in it those beside each other that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .happened import Happened


class Node(NamedTuple):
    """A story's place."""

    story: Happened
    column: int
    row: float


class Drawing(NamedTuple):
    """A graph that has been laid out, in columns and rows."""

    nodes: Sequence[Node]
    """In the order of the stories."""
    edges: Sequence[tuple[Node, Node]]
    """From what is depended on to what depends on it."""
    columns: int
    rows: int


def drawn(stories: Sequence[Happened]) -> Drawing:
    """Put each story near the mean of what it depends on, the barycentre of K. Sugiyama, S. Tagawa and M. Toda,
    "Methods for Visual Understanding of Hierarchical System Structures", IEEE SMC 11 (1981), in one sweep."""
    waves: dict[int, list[Happened]] = {}
    for story in stories:
        waves.setdefault(story.wave, []).append(story)
    tallest = max(map(len, waves.values()), default=0)
    placed: dict[str, Node] = {}
    for column, number in enumerate(sorted(waves)):
        members = waves[number]
        order = {story.key: place for place, story in enumerate(members)}
        members.sort(key=lambda story: (_barycentre(story, placed), order[story.key]))
        middle = (tallest - len(members)) / 2
        for row, story in enumerate(members):
            placed[story.key] = Node(story, column, row + middle)
    edges = [(placed[key], placed[story.key]) for story in stories for key in story.dependencies if key in placed]
    return Drawing([placed[story.key] for story in stories], edges, len(waves), tallest)


def _barycentre(story: Happened, placed: Mapping[str, Node]) -> float:
    rows = [placed[key].row for key in story.dependencies if key in placed]
    return sum(rows) / len(rows) if rows else 0.0
