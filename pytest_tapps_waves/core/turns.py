"""Turns at a file: who has to wait for whom where there is no barrier between waves.

Of stories that share a file, those of an earlier wave have ended before one of a later wave starts, as a barrier would
have it. Every wait leads to a later wave, as every dependency does, so nothing can wait in a ring. Stories of one wave
that share a file are a conflict, which is the plan's to settle: see ``conflicts.py``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from .conflicts import patterns_of
from .globs import are_apart, parse
from .graph import Graph, Waves
from .model import EpicRules
from .overlaps import overlapping
from .policies.base import Turn, Turns


def find_turns(
    graph: Graph,
    waves: Waves,
    rules: Mapping[str, EpicRules],
    is_directory: Callable[[str], bool] = lambda path: False,
) -> Turns:
    """All turns of a run, with a line of them for each pattern rather than with each pair of stories.

    Epics whose policy is ``off`` take no part.

    :param rules: by epic; an epic that is not there has no policy, and takes no part.
    :param is_directory: tells of a literal path, relative to rootdir, whether a directory is there.
    """
    turns: list[Turn] = []
    lines: dict[str, list[int]] = {}
    for number, wave in enumerate(waves):
        for text, keys in patterns_of(graph, wave, rules).items():
            lines.setdefault(text, []).append(len(turns))
            turns.append(Turn(number, keys))
    after: list[list[int]] = [[] for _ in turns]
    for line in lines.values():
        for before, number in pairwise(line):
            after[before].append(number)
    for one, other in () if are_apart(lines) else overlapping([parse(text, is_directory) for text in lines]):
        _interlock(turns, after, *sorted((lines[one.text], lines[other.text]), key=len))
    return _linked(turns, after)


def _interlock(turns: Sequence[Turn], after: list[list[int]], short: Sequence[int], long: Sequence[int]) -> None:
    """Put each turn of one line between its neighbours in the other; that orders all, since each line is in order."""

    def wave_of(number: int) -> int:
        return turns[number].wave

    for number in short:
        wave = wave_of(number)
        place = bisect_left(long, wave, key=wave_of)
        if place:
            after[long[place - 1]].append(number)
        if place < len(long) and wave_of(long[place]) == wave:
            place += 1
        if place < len(long):
            after[number].append(long[place])


def _linked(turns: Sequence[Turn], after: Sequence[Sequence[int]]) -> Turns:
    """Without the turns that have nothing to do with others: most stories have a file to themselves."""
    used = {number for before, followers in enumerate(after) for number in ((before, *followers) if followers else ())}
    renumbered = {number: place for place, number in enumerate(sorted(used))}
    of: dict[str, list[int]] = {}
    for number, place in renumbered.items():
        for key in turns[number].stories:
            of.setdefault(key, []).append(place)
    return Turns(
        [turns[number] for number in renumbered],
        [[renumbered[follower] for follower in after[number]] for number in renumbered],
        of,
    )
