"""File conflicts: stories of one wave that affect a common file.

An inverted index from patterns to stories finds them in time linear in the number of stories, as long as few patterns
hold wildcards: those are held against all patterns below or above their literal prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .globs import Glob, overlap, parse
from .graph import Graph, Waves
from .model import EpicRules, OnConflict, Story

_STRICTNESS = {policy: rank for rank, policy in enumerate(OnConflict)}


class Conflict(NamedTuple):
    """Stories of one wave that affect a common file."""

    wave: int
    """Counted from 1."""
    stories: tuple[str, ...]
    """Keys, two or more, in the order of the files and of the lines in them."""
    paths: tuple[str, ...]
    """What they have in common: a path, a glob, or a present file and two globs that match it."""
    policy: OnConflict
    """The strictest of the stories' epics."""


def find_conflicts(
    graph: Graph,
    waves: Waves,
    rules: Mapping[str, EpicRules],
    is_directory: Callable[[str], bool] = lambda path: False,
    in_common: Callable[[str, str], str | None] = lambda one, other: None,
) -> list[Conflict]:
    """All conflicts of the waves, in the order of waves and files; epics whose policy is ``off`` take no part.

    :param rules: by epic; an epic that is not there has no policy, and takes no part.
    :param is_directory: tells of a literal path, relative to rootdir, whether a directory is there.
    :param in_common: names a file that two globs both match, if one is there.
    """
    parsed: dict[str, Glob] = {}
    found: list[Conflict] = []
    for number, wave in enumerate(waves, 1):
        stories_of = _patterns(graph, wave, rules)
        for text in stories_of:
            if text not in parsed:
                parsed[text] = parse(text, is_directory)
        common: dict[tuple[str, ...], dict[str, None]] = {}
        for path, keys in _groups([parsed[text] for text in stories_of], stories_of, in_common):
            in_run = sorted(dict.fromkeys(keys), key=graph.position.__getitem__)
            stories = sorted((graph.stories[key] for key in in_run), key=_file_order)
            if len(stories) > 1:
                common.setdefault(tuple(story.key for story in stories), {})[path] = None
        for members in sorted(common, key=lambda keys: [_file_order(graph.stories[key]) for key in keys]):
            policy = min((_policy(graph.stories[key], rules) for key in members), key=_STRICTNESS.__getitem__)
            found.append(Conflict(number, members, tuple(common[members]), policy))
    return found


def refusals(graph: Graph, conflicts: Iterable[Conflict]) -> dict[str, str]:
    """For each story that a conflict of policy ``fail`` touches, what its report says."""
    messages: dict[str, list[str]] = {}
    for conflict in conflicts:
        if conflict.policy is OnConflict.FAIL:
            message = describe(graph, conflict)
            for key in conflict.stories:
                messages.setdefault(key, []).append(message)
    return {key: "\n".join(lines) for key, lines in messages.items()}


def describe(graph: Graph, conflict: Conflict, most: int = 8) -> str:
    """A conflict in one line: ``8.2 and 8.3 are both in wave 2 and both affect a.py (epic_shop.yaml:31, :40)``."""
    first = graph.stories[conflict.stories[0]]
    shown = [graph.stories[key] for key in conflict.stories[:most]]
    rest = len(conflict.stories) - len(shown)
    labels = [graph.label(story.key, beside=first) for story in shown]
    names = ", ".join(labels) + f" and {rest} more" if rest else ", ".join(labels[:-1]) + f" and {labels[-1]}"
    places, last_epic = [], ""
    for story in shown:
        places.append(f"{'' if story.epic == last_epic else story.epic}:{story.line}")
        last_epic = story.epic
    both = "both" if len(conflict.stories) == 2 else "all"
    paths = ", ".join(conflict.paths[:most])
    if more := len(conflict.paths) - most if len(conflict.paths) > most else 0:
        paths += f" and {more} more"
    return f"{names} are {both} in wave {conflict.wave} and {both} affect {paths} ({', '.join(places)})"


def _file_order(story: Story) -> tuple[str, int]:
    """Where a story stands, whatever order its items were shuffled into."""
    return story.epic, story.line


def _patterns(graph: Graph, wave: Sequence[str], rules: Mapping[str, EpicRules]) -> dict[str, list[str]]:
    """The stories of a wave by the patterns of files that they affect."""
    stories_of: dict[str, list[str]] = {}
    for key in wave:
        story = graph.stories[key]
        if story.files and _policy(story, rules) is not OnConflict.OFF:
            for text in dict.fromkeys(story.files):
                stories_of.setdefault(text, []).append(key)
    return stories_of


def _policy(story: Story, rules: Mapping[str, EpicRules]) -> OnConflict:
    found = rules.get(story.epic)
    return found.on_conflict if found else OnConflict.OFF


def _groups(
    globs: Sequence[Glob],
    stories_of: Mapping[str, Sequence[str]],
    in_common: Callable[[str, str], str | None],
) -> Iterator[tuple[str, Sequence[str]]]:
    """What is in common, and the stories, perhaps only one, that have it in common."""
    yield from stories_of.items()
    for one, other in _overlapping(globs):
        keys = [*stories_of[one.text], *stories_of[other.text]]
        spelled = max((glob for glob in (one, other) if glob.path or glob.name), key=_depth, default=None)
        if spelled is not None:
            shared = spelled.text
        else:
            both = f"{one.text} and {other.text}"
            present = in_common(one.text, other.text)
            shared = f"{present} (by {both})" if present else both
        yield shared, keys


def _depth(glob: Glob) -> tuple[bool, int]:
    """How closely it says which file is meant: of a directory and a file in it, the file."""
    return glob.path is not None, len(glob.segments)


def _overlapping(globs: Sequence[Glob]) -> Iterator[tuple[Glob, Glob]]:
    """Pairs of different patterns that can match a common path, each pair once."""
    paths: dict[tuple[str, ...], list[Glob]] = {}
    names: dict[str, list[Glob]] = {}
    wild: list[Glob] = []
    for glob in globs:
        if glob.path is not None and not glob.directory:
            paths.setdefault(glob.segments, []).append(glob)
        elif glob.name is not None:
            names.setdefault(glob.name, []).append(glob)
        else:
            wild.append(glob)
    yield from _spellings(paths)
    yield from _spellings(names)
    for segments, spelled in paths.items():
        for depth in range(1, len(segments)):
            yield from _pairs(paths.get(segments[:depth], ()), spelled)
        for segment in dict.fromkeys(segments):
            yield from (pair for pair in _pairs(names.get(segment, ()), spelled) if overlap(*pair))
    yield from _wild_overlaps(wild, paths, names)


def _spellings(index: Mapping[Any, Sequence[Glob]]) -> Iterator[tuple[Glob, Glob]]:
    """``a/b`` and ``/a/b/`` are two spellings of one pattern."""
    for spelled in index.values():
        for place, glob in enumerate(spelled):
            yield from _pairs((glob,), spelled[place + 1 :])


def _pairs(some: Iterable[Glob], others: Sequence[Glob]) -> Iterator[tuple[Glob, Glob]]:
    for one in some:
        for other in others:
            yield one, other


def _wild_overlaps(
    wild: Sequence[Glob], paths: Mapping[tuple[str, ...], Sequence[Glob]], names: Mapping[str, Sequence[Glob]]
) -> Iterator[tuple[Glob, Glob]]:
    if not wild:
        return
    at_prefix: dict[tuple[str, ...], list[Glob]] = {}
    below: dict[tuple[str, ...], list[Glob]] = {}
    place = {glob.text: number for number, glob in enumerate(wild)}
    named = [glob for spelled in names.values() for glob in spelled]
    for glob in [*wild, *(glob for spelled in paths.values() for glob in spelled)]:
        at_prefix.setdefault(glob.prefix, []).append(glob)
    asked = {glob.prefix for glob in wild}
    for prefix, held in at_prefix.items():
        for depth in range(len(prefix) + 1):
            if prefix[:depth] in asked:
                below.setdefault(prefix[:depth], []).extend(held)
    for glob in wild:
        above = [other for depth in range(len(glob.prefix)) for other in at_prefix.get(glob.prefix[:depth], ())]
        for other in [*below[glob.prefix], *above, *named]:
            twin = place.get(other.text)
            if (twin is None or twin > place[glob.text]) and overlap(glob, other):
                yield glob, other
