"""Which of many globs overlap, without holding each against each.

Literal paths and names are looked up. A pattern with wildcards is held against those alone that can meet it: their
literal beginnings agree, and the last segment of one agrees with a segment of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from .globs import ANY_DEPTH, Glob, overlap, spelled
from .segments import SegmentIndex

_LONGEST_TAIL = 3
_FEW = 8


def overlapping(globs: Sequence[Glob]) -> Iterator[tuple[Glob, Glob]]:
    """Pairs of different patterns that can match a common path, each pair once."""
    paths: dict[tuple[str, ...], list[Glob]] = {}
    names: dict[str, list[Glob]] = {}
    wild: list[Glob] = []
    for glob in globs:
        if all(glob.literal) and not glob.directory:
            paths.setdefault(glob.segments, []).append(glob)
        elif glob.name is not None:
            names.setdefault(glob.name, []).append(glob)
        else:
            wild.append(glob)
    yield from _spellings(paths)
    yield from _spellings(names)
    depths = sorted({len(segments) for segments in paths})[:-1]
    for segments, written in paths.items():
        for depth in depths:
            if depth < len(segments):
                yield from _pairs(paths.get(segments[:depth], ()), written)
        for segment in dict.fromkeys(segments) if names else ():
            yield from (pair for pair in _pairs(names.get(segment, ()), written) if overlap(*pair))
    if wild:
        yield from _wild_overlaps(wild, [*chain.from_iterable([*paths.values(), *names.values()])])


def _spellings(index: Mapping[Any, Sequence[Glob]]) -> Iterator[tuple[Glob, Glob]]:
    """``a/b`` and ``/a/b/`` are two spellings of one pattern."""
    for written in index.values():
        for place, glob in enumerate(written) if len(written) > 1 else ():
            yield from _pairs((glob,), written[place + 1 :])


def _pairs(some: Iterable[Glob], others: Sequence[Glob]) -> Iterator[tuple[Glob, Glob]]:
    for one in some:
        for other in others:
            yield one, other


def _wild_overlaps(wild: Sequence[Glob], literal: Sequence[Glob]) -> Iterator[tuple[Glob, Glob]]:
    place = {glob.text: number for number, glob in enumerate(wild)}
    index = _Index([*wild, *literal])
    for glob in wild:
        for text, other in {other.text: other for other in index.meeting(glob)}.items():
            twin = place.get(text)
            if (twin is None or twin > place[glob.text]) and overlap(glob, other):
                yield glob, other


class _Index:
    """Patterns by their leading literal segments, and where these are the same for many, by all their segments."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        self._at: dict[tuple[str, ...], list[Glob]] = {}
        self._from: dict[tuple[str, ...], list[Glob]] = {}
        for glob in globs:
            self._at.setdefault(glob.prefix, []).append(glob)
            for depth in range(len(glob.prefix) + 1):
                self._from.setdefault(glob.prefix[:depth], []).append(glob)
        self._indexed: dict[int, _Segments] = {}
        """By the identity of the lists above, which stay."""

    def meeting(self, glob: Glob) -> Iterator[Glob]:
        """All patterns that overlap ``glob``, itself and some others; a pattern may come twice."""
        above = [self._at[glob.prefix[:depth]] for depth in range(len(glob.prefix)) if glob.prefix[:depth] in self._at]
        for held in [self._from[glob.prefix], *above]:
            if len(held) > _FEW:
                if id(held) not in self._indexed:
                    self._indexed[id(held)] = _Segments(held)
                yield from self._indexed[id(held)].meeting(glob)
            else:
                yield from held


class _Segments:
    """Patterns by their segments."""

    def __init__(self, globs: Sequence[Glob]) -> None:
        self._all = globs
        self._bare = [glob for glob in globs if not glob.segments]
        self._deep = [glob for glob in globs if _is_deep(glob)]
        self._directories = [glob for glob in globs if glob.directory]
        self._with_last = _Hits(globs, _last)
        self._with_tails = _Tails(globs)
        self._with_directory = _Hits(self._directories, _last)
        self._with_spelled = _Hits(globs, _spelled_before)
        self._with_any = _Hits(globs, _before)

    def meeting(self, glob: Glob) -> Iterator[Glob]:
        """All patterns that overlap ``glob``, and others.

        A common path ends with the last segment of one of the two. The other ends with it too, or goes on below a
        directory, or below what it has spelled out itself. See :func:`pytest_tapps_waves.core.globs.overlap`.
        """
        if not glob.segments:
            return iter(self._all)
        (last,) = _last(glob)
        met = [self._bare, *self._with_tails.meeting(glob)]
        met += [self._with_any[last], self._deep] if glob.directory else [self._with_spelled[last]]
        met += [self._with_last[segment] for segment in _spelled_before(glob)]
        met += [self._with_directory[segment] for segment in _before(glob)]
        if _is_deep(glob):
            met.append(self._directories)
        return chain.from_iterable(met)


def _is_deep(glob: Glob) -> bool:
    return len(_before(glob)) < len(glob.segments) - 1


def _last(glob: Glob) -> list[str]:
    return [spelled(glob, len(glob.segments) - 1)] if glob.segments else []


def _before(glob: Glob) -> list[str]:
    """All but the last, and but ``**``."""
    segments = [spelled(glob, place) for place in range(len(glob.segments) - 1)]
    return [segment for segment in segments if segment != ANY_DEPTH]


def _spelled_before(glob: Glob) -> list[str]:
    """What it spells out before it goes on below that: segments up to a wildcard, since a ``**`` may be nothing."""
    found: list[str] = []
    for place in range(len(glob.segments) - 1):
        if glob.literal[place]:
            found.append(spelled(glob, place))
        elif glob.segments[place] != ANY_DEPTH:
            break
    return found


class _Tails:
    """Patterns by their last segments, for those that end together: these agree on each, counted from the end."""

    def __init__(self, globs: Sequence[Glob]) -> None:
        by_size: dict[int, list[Glob]] = {}
        for glob in globs:
            if glob.segments:
                by_size.setdefault(len(_tail(glob)), []).append(glob)
        self._by_size = {
            size: [_Hits(held, partial(_from_end, place)) for place in range(size)] for size, held in by_size.items()
        }

    def meeting(self, glob: Glob) -> list[Sequence[Glob]]:
        tail = _tail(glob)
        choices = [
            [hits[segment] for hits, segment in zip(held, tail, strict=False)] for held in self._by_size.values()
        ]
        return [min(found, key=len) for found in choices]


def _tail(glob: Glob) -> list[str]:
    """The last segments, from the end, as far as a ``**``. Few are enough to tell patterns apart."""
    tail: list[str] = []
    for place in reversed(range(len(glob.segments))):
        segment = spelled(glob, place)
        if segment == ANY_DEPTH or len(tail) == _LONGEST_TAIL:
            break
        tail.append(segment)
    return tail


def _from_end(place: int, glob: Glob) -> list[str]:
    return _tail(glob)[place : place + 1]


class _Hits:
    """For a segment, the patterns that have one of those that are asked for in common with it."""

    def __init__(self, globs: Sequence[Glob], segments_of: Callable[[Glob], Iterable[str]]) -> None:
        self._globs: dict[str, list[Glob]] = {}
        for glob in globs:
            for segment in dict.fromkeys(segments_of(glob)):
                self._globs.setdefault(segment, []).append(glob)
        self._index = SegmentIndex(self._globs)
        self._known: dict[str, Sequence[Glob]] = {}

    def __getitem__(self, segment: str) -> Sequence[Glob]:
        if segment not in self._known:
            met = self._index.meeting(segment)
            self._known[segment] = [*chain.from_iterable(self._globs[other] for other in met)]
        return self._known[segment]
