"""An order that keeps dependencies first, and files and classes in one piece.

Fixtures of a module are set up when its first test comes, and torn down when a test of another module does. A test that
is brought forward alone would have them set up twice, and what its neighbours find in them would be lost in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

Place = tuple[str, ...]
"""What holds an item, outermost first: its file, its class. Nothing, if it may go anywhere by itself."""


def arranged(
    keys: Sequence[str], dependencies: Mapping[str, Sequence[str]], place_of: Callable[[str], Place]
) -> list[str]:
    """``keys``, moved only where a dependency has to come first, and then with the whole piece that holds it.

    Files that depend on one another in a ring cannot stay whole: of these, classes and tests are moved by themselves.

    :param keys: in the order that is wished for.
    :param dependencies: without a cycle; all of them are among ``keys``.
    """
    if _is_right(keys, dependencies):
        return list(keys)
    return list(_arranged(keys, dependencies, {key: place_of(key) for key in keys}, depth=1))


def _is_right(keys: Sequence[str], dependencies: Mapping[str, Sequence[str]]) -> bool:
    seen: set[str] = set()
    for key in keys:
        if not seen.issuperset(dependencies.get(key, ())):
            return False
        seen.add(key)
    return True


def _arranged(
    keys: Sequence[str], dependencies: Mapping[str, Sequence[str]], places: Mapping[str, Place], depth: int
) -> Iterator[str]:
    """:param depth: how much of a place counts: files, then classes, and at last each key by itself."""
    pieces = _pieces(keys, places, depth)
    piece_of = {key: number for number, piece in enumerate(pieces) for key in piece}
    needs = [
        sorted({piece_of[need] for key in piece for need in dependencies.get(key, ()) if need in piece_of} - {number})
        for number, piece in enumerate(pieces)
    ]
    for ring in _rings(needs):
        inside = [key for number in sorted(ring) for key in pieces[number]]
        if len(inside) == 1:
            yield from inside
        else:
            yield from _arranged(inside, dependencies, places, depth + 1)


def _pieces(keys: Sequence[str], places: Mapping[str, Place], depth: int) -> list[list[str]]:
    """What stands together. A file that stands in several places already, as under ``--ff``, is not put together."""
    runs: list[tuple[Place, list[str]]] = []
    for key in keys:
        place = places[key][:depth]
        if len(place) == depth and runs and runs[-1][0] == place:
            runs[-1][1].append(key)
        else:
            runs.append((place, [key]))
    times = Counter(place for place, _ in runs)
    return [piece for place, run in runs for piece in ([run] if times[place] == 1 else [[key] for key in run])]


def _rings(needs: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Numbers that need one another, together, and what they need before them; the first numbers first.

    R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972), without recursion.
    """
    found: dict[int, int] = {}
    lowest: dict[int, int] = {}
    unsettled: list[int] = []
    settled: set[int] = set()
    for root in range(len(needs)):
        path = [] if root in found else [(root, iter(needs[root]))]
        while path:
            number, rest = path[-1]
            if number not in found:
                found[number] = lowest[number] = len(found)
                unsettled.append(number)
            for need in rest:
                if need not in found:
                    path.append((need, iter(needs[need])))
                    break
                if need not in settled:
                    lowest[number] = min(lowest[number], found[need])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[number])
                if lowest[number] == found[number]:
                    ring = [unsettled.pop()]
                    while ring[-1] != number:
                        ring.append(unsettled.pop())
                    settled.update(ring)
                    yield ring
