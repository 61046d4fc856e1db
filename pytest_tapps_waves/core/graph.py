"""The graph of a run: stories and what they depend on, and its waves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..errors import EpicError, WavesError
from .model import Story

Waves = tuple[tuple[str, ...], ...]
"""Keys of stories, grouped; a wave is in file order."""


def numbers_of(waves: Waves) -> dict[str, int]:
    """The wave of each story, counted from 1."""
    return {key: number for number, wave in enumerate(waves, 1) for key in wave}


class CycleFound(EpicError):
    """Stories that depend on one another in a ring."""

    def __init__(self, path: Sequence[str]) -> None:
        """:param path: keys, each depending on the next; the last depends on the first."""
        super().__init__(tuple(path))
        self.path = tuple(path)


class Graph:
    """Stories in file order, with their edges in both directions.

    :raises CycleFound: if there is an order in no way.
    """

    def __init__(self, stories: Iterable[Story]) -> None:
        self.stories: Mapping[str, Story] = {story.key: story for story in stories}
        self.position: Mapping[str, int] = {key: place for place, key in enumerate(self.stories)}
        needs: dict[str, int] = {}
        dependents: dict[str, list[str]] = {}
        for key, story in self.stories.items():
            dependencies = dict.fromkeys(story.dependencies) if story.dependencies else ()
            needs[key] = len(dependencies)
            for dependency in dependencies:
                dependents.setdefault(dependency, []).append(key)
        self.needs: Mapping[str, int] = needs
        """How many other stories each depends on."""
        self.dependents: Mapping[str, Sequence[str]] = {**dict.fromkeys(self.stories, ()), **dependents}
        self.waves: Waves = self._levels()

    def upstream(self, key: str) -> set[str]:
        """Keys of all that a story depends on, directly or through others, whether they are part of this run or not."""
        found: set[str] = set()
        stack = [key]
        while stack:
            story = self.stories.get(stack.pop())
            fresh = set(story.stands_on) - found if story is not None else set()
            found |= fresh
            stack += fresh
        return found

    def _levels(self) -> Waves:
        """Kahn's algorithm by levels: a story's wave comes right after the last wave of its dependencies.

        Linear in stories and edges. A. B. Kahn, "Topological sorting of large networks", CACM 5 (1962).
        """
        open_edges = dict(self.needs)
        wave = [key for key, edges in open_edges.items() if not edges]
        waves: list[tuple[str, ...]] = []
        settled = 0
        while wave:
            waves.append(tuple(wave))
            settled += len(wave)
            following: list[str] = []
            for key in wave:
                for dependent in self.dependents[key]:
                    open_edges[dependent] -= 1
                    if not open_edges[dependent]:
                        following.append(dependent)
            following.sort(key=self.position.__getitem__)
            wave = following
        if settled < len(self.stories):
            raise CycleFound(self._cycle({key for key, edges in open_edges.items() if edges}))
        return tuple(waves)

    def _cycle(self, suspects: set[str]) -> list[str]:
        """One ring among the stories that Kahn's algorithm left over.

        Each of them has a dependency that is left over too, so walking along dependencies must come back.
        """
        key = min(suspects, key=self.position.__getitem__)
        seen: dict[str, int] = {}
        path: list[str] = []
        while key not in seen:
            seen[key] = len(path)
            path.append(key)
            key = next(dep for dep in self.stories[key].dependencies if dep in suspects)
        ring = path[seen[key] :]
        first = min(range(len(ring)), key=lambda place: self.position[ring[place]])
        return ring[first:] + ring[:first]

    def edges(self) -> Iterator[tuple[str, str]]:
        """All dependencies in file order, each once, as what comes first and what depends on it."""
        for key, story in self.stories.items():
            for dependency in dict.fromkeys(story.dependencies):
                yield dependency, key

    def critical_path(self, durations: Mapping[str, float] | None = None) -> list[str]:
        """A longest chain of stories, each depending on the one before; of equal ones the first in file order.

        :param durations: of all stories; without them the chain of the most stories counts as the longest.
        """
        length: dict[str, float] = {}
        before: dict[str, str | None] = {}
        for wave in self.waves:
            for key in wave:
                dependencies = sorted(self.stories[key].dependencies, key=self.position.__getitem__)
                longest = max(dependencies, key=length.__getitem__, default=None)
                before[key] = longest
                length[key] = (durations[key] if durations else 1) + (length[longest] if longest is not None else 0)
        end = max(length, key=length.__getitem__, default=None)
        path: list[str] = []
        while end is not None:
            path.append(end)
            end = before[end]
        return path[::-1]

    def regrouped(self, waves: Iterable[Iterable[str]]) -> Waves:
        """``waves`` as given by a hook, checked.

        :raises WavesError: if a story is missing, unknown or there twice, or stands no later than a dependency.
        """
        grouped = tuple(tuple(wave) for wave in waves)
        wave_of: dict[str, int] = {}
        for number, wave in enumerate(grouped, 1):
            for key in wave:
                if key not in self.stories:
                    raise WavesError(f"wave {number} holds {key!r}, which is no story of this run")
                if key in wave_of:
                    raise WavesError(f"{key} is in wave {wave_of[key]} and again in wave {number}")
                wave_of[key] = number
        for key, story in self.stories.items():
            if key not in wave_of:
                raise WavesError(f"{key} is in no wave")
            for dependency in story.dependencies:
                if wave_of[dependency] >= wave_of[key]:
                    raise WavesError(
                        f"{key} is in wave {wave_of[key]}, but depends on {dependency} of wave {wave_of[dependency]}"
                    )
        return tuple(wave for wave in grouped if wave)

    def label(self, key: str, beside: Story | None = None) -> str:
        """The short id of a story where that is clear beside ``beside``, else its node id."""
        story = self.stories[key]
        return story.id if beside is None or beside.epic == story.epic else story.key
