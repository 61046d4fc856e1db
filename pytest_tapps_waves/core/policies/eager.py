"""No barriers: a story starts when it has all that it needs itself, the longest remaining path first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ..graph import Graph, Waves
from ..model import OnConflict
from .base import Terms, Turns, WaveFinished, WaveStarted, ranks


class EagerPolicy:
    """Opens a story at once, or when its turns at its files have come.

    There is no deadlock. For its dependencies and its turns a story waits for stories of earlier waves alone, and in a
    serialized conflict for those of its own wave that stand before it. So of all stories that are left, the first by
    wave and file order waits for none of the others.
    """

    def __init__(self, graph: Graph, waves: Waves, terms: Terms) -> None:
        turns = self._turns = terms.turns()
        self._ranks = ranks(remaining_paths(graph, waves, terms, turns), graph.position)
        self._holds = {key: len(numbers) for key, numbers in turns.of.items()}
        self._left = [len(turn.stories) for turn in turns.turns]
        self._before = [0] * len(turns.turns)
        for followers in turns.after:
            for number in followers:
                self._before[number] += 1
        self._opened = [key for key in graph.stories if key not in self._holds]
        for number, before in enumerate(self._before):
            if not before:
                self._begin(number)

    def poll(self) -> tuple[Sequence[str], Sequence[WaveStarted | WaveFinished]]:
        opened, self._opened = self._opened, []
        return opened, ()

    def settled(self, key: str) -> None:
        over: list[int] = []
        for number in self._turns.of.get(key, ()):
            self._left[number] -= 1
            if self._is_over(number):
                over.append(number)
        while over:
            for number in self._turns.after[over.pop()]:
                self._before[number] -= 1
                if not self._before[number]:
                    self._begin(number)
                    # Its stories may have been settled before it came to them.
                    if self._is_over(number):
                        over.append(number)

    def rank(self, key: str) -> int:
        return self._ranks[key]

    def _begin(self, number: int) -> None:
        for key in self._turns.turns[number].stories:
            self._holds[key] -= 1
            if not self._holds[key]:
                self._opened.append(key)

    def _is_over(self, number: int) -> bool:
        return not self._left[number] and not self._before[number]


def remaining_paths(graph: Graph, waves: Waves, terms: Terms, turns: Turns) -> Mapping[str, float]:
    """For each story, how long it and the longest chain of what waits for it take together.

    What waits for a story: its dependents, what has a later turn at its files, and in a serialized conflict those that
    stand after it. Linear, from the last wave to the first. To start the longest of these first is T. C. Hu's rule,
    "Parallel sequencing and assembly line problems", Operations Research 9 (1961).
    """
    following: dict[str, list[str]] = {}
    for conflict in terms.conflicts:
        if conflict.policy is OnConflict.SERIALIZE:
            for key, after in pairwise(conflict.stories):
                following.setdefault(key, []).append(after)
    turns_of_wave: dict[int, list[int]] = {}
    for number, turn in enumerate(turns.turns):
        turns_of_wave.setdefault(turn.wave, []).append(number)
    remaining: dict[str, float] = {}
    behind: dict[int, float] = {}
    """What is left when a turn is over."""
    begun: dict[int, float] = {}
    """What is left when a turn begins."""
    for place in reversed(range(len(waves))):
        numbers = turns_of_wave.get(place, ())
        for number in numbers:
            behind[number] = max(map(begun.__getitem__, turns.after[number]), default=0.0)
        for key in reversed(_in_file_order(graph, waves[place]) if following else waves[place]):
            waiting = (remaining[after] for after in (*graph.dependents[key], *following.get(key, ())))
            files = (behind[number] for number in turns.of.get(key, ()))
            remaining[key] = terms.duration(key) + max((0.0, *waiting, *files))
        for number in numbers:
            begun[number] = max((behind[number], *map(remaining.__getitem__, turns.turns[number].stories)))
    return remaining


def _in_file_order(graph: Graph, wave: Sequence[str]) -> Sequence[str]:
    """As the stories of a conflict are: so those that stand after another in it have been seen before it."""
    return sorted(sorted(wave, key=graph.position.__getitem__), key=lambda key: graph.stories[key].file_order)
