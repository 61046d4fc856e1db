"""File conflicts: stories of one wave that affect a common file.

An inverted index from patterns to stories finds those that write the same, and ``overlaps.py`` the patterns that can
match a common path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .graph import Graph, Waves
from .model import EpicRules, OnConflict, Story

# Where no story names a file, as among Python tests alone, there is nothing to compare.
if TYPE_CHECKING:
    from .globs import Glob

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
    if not any(story.files for story in graph.stories.values()):
        return []
    from .globs import are_apart, parse

    parsed: dict[str, Glob] = {}
    found: list[Conflict] = []
    for number, wave in enumerate(waves, 1):
        stories_of = patterns_of(graph, wave, rules)
        globs: list[Glob] = []
        for text in () if are_apart(stories_of) else stories_of:
            if text not in parsed:
                parsed[text] = parse(text, is_directory)
            globs.append(parsed[text])
        common: dict[tuple[str, ...], dict[str, None]] = {}
        for path, keys in _groups(globs, stories_of, in_common):
            in_run = sorted(dict.fromkeys(keys), key=graph.position.__getitem__)
            stories = sorted((graph.stories[key] for key in in_run), key=lambda story: story.file_order)
            if len(stories) > 1:
                common.setdefault(tuple(story.key for story in stories), {})[path] = None
        for members in sorted(common, key=lambda keys: [graph.stories[key].file_order for key in keys]):
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


def patterns_of(graph: Graph, wave: Sequence[str], rules: Mapping[str, EpicRules]) -> dict[str, list[str]]:
    """The stories of a wave by the patterns of files that they affect, but for epics whose policy is ``off``."""
    stories = graph.stories
    stories_of: dict[str, list[str]] = {}
    for key in wave:
        story = stories[key]
        if story.files and _policy(story, rules) is not OnConflict.OFF:
            for text in dict.fromkeys(story.files):
                if text in stories_of:
                    stories_of[text].append(key)
                else:
                    stories_of[text] = [key]
    return stories_of


def _policy(story: Story, rules: Mapping[str, EpicRules]) -> OnConflict:
    found = rules.get(story.epic)
    return found.on_conflict if found else OnConflict.OFF


def _groups(
    globs: Sequence[Glob],
    stories_of: Mapping[str, Sequence[str]],
    in_common: Callable[[str, str], str | None],
) -> Iterator[tuple[str, Sequence[str]]]:
    """What is in common, and the stories that have it in common: one may be named twice, or be the only one."""
    from .overlaps import overlapping

    yield from ((text, keys) for text, keys in stories_of.items() if len(keys) > 1)
    for one, other in overlapping(globs):
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
