"""From the items of a run to its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..core.graph import CycleFound, Graph
from ..core.model import Story
from ..errors import Problem
from .depends import ItemNode, resolve
from .library import Library
from .names import Names
from .references import Resolver

if TYPE_CHECKING:
    from ..epics.spec import EpicDefinition, EpicHeader, StorySpec

_MOST_CYCLES = 20
_NOT_SELECTED = "which is not part of this run (--missing-dependency-action=run runs it all the same)"


class Assembled(NamedTuple):
    """The graph of what was selected, and all mistakes of files that cannot be part of it."""

    graph: Graph
    epics: Mapping[str, EpicDefinition]
    """By the node ids of the files that have stories in the graph."""
    problems: Sequence[Problem]


def assemble(
    library: Library,
    rootdir: Path,
    *,
    selected: Sequence[str],
    tests: Sequence[ItemNode],
    known: Sequence[Problem],
    all_tests_known: bool,
    unselected_is_done: bool,
    does_nothing: Callable[[EpicHeader, StorySpec], bool],
) -> Assembled:
    """Resolve all dependencies, and make the graph of what is selected.

    :param selected: node ids of the items that are going to run, in their order.
    :param tests: all items that were collected, whether selected or not.
    :param known: mistakes found before; nothing of their files is part of the graph, as of those found here.
    :param all_tests_known: whether their files were collected whole.
    :param unselected_is_done: whether what is not selected counts as passed, as under ``--lf``.
    :param does_nothing: tells of a story that was not collected whether there is nothing to run.
    """
    names = Names((test.key, test.names) for test in tests)
    resolver = Resolver(rootdir, library, names, all_tests_known=all_tests_known, keys=selected)
    whole, epics = _epic_stories(library, resolver)
    whole.update(_python_stories(tests, names))
    found = (problem for problem in resolver.problems if problem.path in library.collected)
    problems = [*known, *found, *_cycles(whole)]
    broken = {problem.path for problem in problems}
    kept = [key for key in selected if key.partition("::")[0] not in broken]
    needed = _needed(kept, whole) | {test.key for test in tests if test.joins}
    nodes = [key for key in kept if key in whole or key in needed]
    sound = {key: story for key, story in whole.items() if story.epic not in broken}
    collected = {test.key: test for test in tests}

    @cache
    def specs() -> dict[str, tuple[EpicHeader, StorySpec]]:
        # Few runs ask for stories that were not collected.
        return {f"{epic.path}::{spec.id}": (epic.header, spec) for epic in epics for spec in epic.stories}

    def passes_through(key: str) -> bool:
        if key in collected:
            return collected[key].is_documentation
        return key in specs() and does_nothing(*specs()[key])

    stories = _narrowed(nodes, sound, collected, passes_through)
    graph = Graph(story._replace(missing=()) for story in stories) if unselected_is_done else Graph(stories)
    used = {story.epic for story in graph.stories.values()}
    return Assembled(graph, {epic.path: epic for epic in epics if epic.path in used}, problems)


class Needed(NamedTuple):
    """All that stories depend on, directly or through others."""

    keys: set[str]
    """Node ids, of items that were not collected too."""
    all_found: bool
    """Whether every name stands for something."""


def dependencies_of(selected: Sequence[str], library: Library, rootdir: Path, tests: Sequence[ItemNode]) -> Needed:
    """What the selected stories depend on. Mistakes are left to :func:`assemble`."""
    names = Names((test.key, test.names) for test in tests)
    resolver = Resolver(rootdir, library, names, all_tests_known=True)
    whole, _ = _epic_stories(library, resolver)
    whole.update(_python_stories(tests, names))
    needed = _needed(selected, whole)
    in_run = [whole[key] for key in needed.union(selected) if key in whole]
    wrong = {problem.path for problem in resolver.problems}
    return Needed(needed, not any(story.missing or story.epic in wrong for story in in_run))


def referred_files(library: Library, rootdir: Path) -> list[str]:
    """The node ids of the files that stories of known epics depend on, directly or through other epics."""
    whole, _ = _epic_stories(library, Resolver(rootdir, library, Names(()), all_tests_known=False))
    return list(dict.fromkeys(key.partition("::")[0] for story in whole.values() for key in story.dependencies))


def _needed(kept: Sequence[str], whole: Mapping[str, Story]) -> set[str]:
    """All that the stories that are kept depend on, and across those that are not, what these depend on."""
    inside = set(kept)
    needed: set[str] = set()
    stack = [dependency for key in kept if key in whole for dependency in whole[key].dependencies]
    while stack:
        key = stack.pop()
        if key not in needed:
            needed.add(key)
            if key in whole and key not in inside:
                stack.extend(whole[key].dependencies)
    return needed


def _epic_stories(library: Library, resolver: Resolver) -> tuple[dict[str, Story], list[EpicDefinition]]:
    """Every story of every epic, those included that become known only because others refer to them."""
    whole: dict[str, Story] = {}
    epics: dict[Path, EpicDefinition] = {}
    while fresh := [(path, epic) for path, epic in library.loaded() if path not in epics]:
        for path, epic in fresh:
            epics[path] = epic
            keys = resolver.ids_of(path, epic)
            for spec in epic.stories:
                key = keys[spec.id]
                dependencies = tuple(resolver.resolve(path, epic, spec)) if spec.dependencies else ()
                whole[key] = Story(key, spec.id, epic.path, spec.line, dependencies, spec.files_affected, spec.critical)
    return whole, list(epics.values())


def _python_stories(tests: Sequence[ItemNode], names: Names) -> Iterator[tuple[str, Story]]:
    """The Python tests that depend on something."""
    for test in tests:
        if test.on:
            keys, missing = resolve(test, names)
            yield test.key, Story(test.key, test.key, test.path, test.line, tuple(keys), missing=tuple(missing))


def _cycles(whole: Mapping[str, Story]) -> list[Problem]:
    """Each ring of stories, as a path, at the first of them."""
    problems: list[Problem] = []
    left = dict(whole)
    for _ in range(_MOST_CYCLES):
        stories = [_only(story, left) for story in left.values()]
        try:
            Graph(stories)
            break
        except CycleFound as cycle:
            first = whole[cycle.path[0]]
            labels = [
                story.id if story.epic == first.epic else story.key for story in map(whole.__getitem__, cycle.path)
            ]
            path = " -> ".join([*labels, labels[0]])
            problems.append(
                Problem(first.epic, first.line, f"a cycle: {path}, each depends on the next; break it somewhere")
            )
            for key in cycle.path:
                del left[key]
    return problems


def _only(story: Story, known: Mapping[str, object]) -> Story:
    dependencies = tuple(key for key in story.dependencies if key in known)
    if len(dependencies) == len(story.dependencies):
        return story
    return Story(story.key, story.id, story.epic, story.line, dependencies)


def _narrowed(
    nodes: Sequence[str],
    whole: Mapping[str, Story],
    collected: Mapping[str, ItemNode],
    passes_through: Callable[[str], bool],
) -> Iterable[Story]:
    """The stories of the graph. A dependency that is not selected is replaced by what it depends on itself, so that the
    order holds across it.

    :param passes_through: tells of a story that is not selected whether it has nothing to run: nobody misses it.
    """
    inside = set(nodes)
    behind: dict[str, tuple[str, ...]] = {}
    for key in nodes:
        story = whole.get(key)
        if story is None:
            yield Story(key, key, key.partition("::")[0], collected[key].line if key in collected else 1)
            continue
        if not story.missing and inside.issuperset(story.dependencies):
            yield story
            continue
        dependencies: list[str] = []
        missing = list(story.missing)
        for dependency in story.dependencies:
            if dependency in inside:
                dependencies.append(dependency)
            else:
                dependencies.extend(_selected_behind(dependency, whole, inside, behind))
                for key in _missed(dependency, whole, inside, passes_through):
                    other = whole.get(key)
                    missing.append(other.id if other is not None and other.epic == story.epic else key)
        yield story._replace(
            dependencies=tuple(dict.fromkeys(dependencies)),
            missing=tuple(dict.fromkeys(missing)),
            missing_words="which was not found" if story.missing else _NOT_SELECTED,
            defined=story.dependencies,
        )


def _missed(
    start: str, whole: Mapping[str, Story], inside: set[str], passes_through: Callable[[str], bool]
) -> Iterator[str]:
    """The unselected dependency itself, or if that passes through, those that it depends on."""
    stack, seen = [start], {start}
    while stack:
        key = stack.pop()
        if not passes_through(key):
            yield key
        elif key in whole:
            behind = [dep for dep in whole[key].dependencies if dep not in inside and dep not in seen]
            seen.update(behind)
            stack.extend(reversed(behind))


def _selected_behind(
    start: str, whole: Mapping[str, Story], inside: set[str], behind: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """The selected stories that an unselected one leads to, not past them. Each unselected one is walked once."""
    stack = [start]
    while stack:
        key = stack[-1]
        if key in behind:
            stack.pop()
            continue
        dependencies = whole[key].dependencies if key in whole else ()
        unknown = [dep for dep in dependencies if dep not in inside and dep not in behind]
        if unknown:
            stack.extend(unknown)
            continue
        found: dict[str, None] = {}
        for dependency in dependencies:
            found.update(dict.fromkeys([dependency] if dependency in inside else behind[dependency]))
        behind[key] = tuple(found)
        stack.pop()
    return behind[start]
