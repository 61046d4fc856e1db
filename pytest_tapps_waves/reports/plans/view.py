"""What all formats of the plan are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ...core.conflicts import Conflict
from ...core.graph import Graph, Waves
from ...inert import one_line

# A plain run prints no plan, and need not wait for what foretells one.
if TYPE_CHECKING:
    from ...core.forecast import Forecast


class PlanView(NamedTuple):
    """A plan, and what is foretold of it."""

    graph: Graph
    waves: Waves
    conflicts: Sequence[Conflict]
    schedule: str
    titles: Mapping[str, str]
    """Of the stories that have one, by key."""
    epic_titles: Mapping[str, str]
    """By the node ids of the epics' files."""
    forecast: Forecast
    notes: Sequence[str]
    """What users should know of the journal that the durations come from."""
    width: int
    """Of the terminal, in columns."""

    def label(self, key: str) -> str:
        """The id of a story within its file and its title, in one line."""
        story = self.graph.stories[key]
        return one_line(f"{story.id.removeprefix(f'{story.epic}::')} {self.titles.get(key, '')}".strip())

    def labels(self) -> Iterator[tuple[str, Sequence[str]]]:
        """For each story what its box in a picture says, by lines: its file too, where there are several."""
        several = len({story.epic for story in self.graph.stories.values()}) > 1
        for key, story in self.graph.stories.items():
            yield key, (one_line(story.epic), self.label(key)) if several else (self.label(key),)

    def clashes(self) -> Iterator[tuple[str, str, str]]:
        """Pairs of stories in conflict, and what about: in a conflict of many, each with the next."""
        for conflict in self.conflicts:
            paths = one_line(", ".join(conflict.paths))
            for one, other in pairwise(conflict.stories):
                yield one, other, paths
