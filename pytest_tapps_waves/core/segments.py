"""Which of many globs of one path segment have a name in common with another, without holding each against each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator

from .globs import literal_ends, segments_overlap


class SegmentIndex:
    """Globs of one segment, by how they begin and by how they end.

    Two that have a name in common begin alike as far as both say how they begin, and so with their ends. ``test_1_*``,
    ``test_2_*`` and so on are told apart by how they begin, ``*_1.py``, ``*_2.py`` by how they end, and names by
    either: so these three are kept by themselves.
    """

    def __init__(self, segments: Iterable[str]) -> None:
        known = {segment: literal_ends(segment) for segment in segments}
        like_begin = Counter(begin for begin, _ in known.values())
        like_end = Counter(end for _, end in known.values())
        kinds: dict[str, list[tuple[str, str, str]]] = {}
        for segment, (begin, end) in known.items():
            kind = "name" if segment == begin else "begins" if like_begin[begin] < like_end[end] else "ends"
            kinds.setdefault(kind, []).append((begin, end[::-1], segment))
        self._kinds = [
            (
                _Sorted((begin, segment) for begin, _, segment in held),
                _Sorted((end, segment) for _, end, segment in held),
            )
            for held in kinds.values()
        ]

    def meeting(self, segment: str) -> Iterator[str]:
        """Those that have a name in common with ``segment``."""
        begin, end = literal_ends(segment)
        for begins, ends in self._kinds:
            near = min((begins, begins.alike(begin)), (ends, ends.alike(end[::-1])), key=lambda side: _size(side[1]))
            yield from (other for other in near[0].within(near[1]) if segments_overlap(segment, other))


def _size(ranges: list[range]) -> int:
    return sum(map(len, ranges))


class _Sorted:
    """Segments, each with a text that it begins or, read backwards, ends with."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._entries = sorted(entries)
        self._texts = [text for text, _ in self._entries]
        self._lengths = sorted({len(text) for text in self._texts})

    def alike(self, text: str) -> list[range]:
        """Where the texts stand that go on where ``text`` ends, or of which ``text`` goes on where they end."""
        size = len(text)
        first = bisect_left(self._texts, text)
        found = [range(first, bisect_right(self._texts, text, first, key=lambda other: other[:size]))]
        for length in self._lengths:
            if length >= size:
                break
            place = bisect_left(self._texts, text[:length])
            found.append(range(place, bisect_right(self._texts, text[:length], place)))
        return found

    def within(self, ranges: list[range]) -> Iterator[str]:
        yield from (self._entries[place][1] for places in ranges for place in places)
