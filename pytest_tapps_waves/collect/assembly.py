"""From the items of a run to its graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.graph import CycleFound, Graph
from ..core.model import Story
from ..epics.loader import EpicDefinition
from ..errors import Problem
from .library import Library
from .references import Names, Resolver

_MOST_CYCLES = 20


@dataclass(frozen=True, slots=True)
class Assembled:
    """The graph of what was selected, and the mistakes of files that cannot be part of it."""

    graph: Graph
    epics: Mapping[str, EpicDefinition]
    """By the node ids of the files that have stories in the graph."""
    problems: Sequence[Problem]


def assemble(
    library: Library,
    rootdir: Path,
    *,
    selected: Sequence[str],
    collected: Sequence[str],
    all_tests_known: bool,
    unselected_is_done: bool,
) -> Assembled:
    """Resolve the dependencies of all epics that the library knows, and make the graph of what is selected.

    :param selected: node ids of the items that are going to run, in their order.
    :param collected: node ids of all Python tests that were collected, whether selected or not.
    :param all_tests_known: whether their files were collected whole.
    :param unselected_is_done: whether what is not selected counts as passed, as under ``--lf``.
    """
    resolver = Resolver(rootdir, library, Names(collected), all_tests_known=all_tests_known)
    whole, epics = _all_stories(library, resolver)
    problems = [*(problem for problem in resolver.problems if problem.path in library.collected), *_cycles(whole)]
    broken = {problem.path for problem in problems}
    kept = [key for key in selected if key not in whole or whole[key].epic not in broken]
    needed = {dependency for key in kept if key in whole for dependency in whole[key].dependencies}
    nodes = [key for key in kept if key in whole or key in needed]
    sound = {key: story for key, story in whole.items() if story.epic not in broken}
    graph = Graph(_narrowed(nodes, sound, unselected_is_done=unselected_is_done))
    used = {story.epic for story in graph.stories.values()}
    return Assembled(graph, {epic.path: epic for epic in epics if epic.path in used}, problems)


def _all_stories(library: Library, resolver: Resolver) -> tuple[dict[str, Story], list[EpicDefinition]]:
    """Every story of every epic, those included that become known only because others refer to them."""
    whole: dict[str, Story] = {}
    epics: dict[Path, EpicDefinition] = {}
    while fresh := [(path, epic) for path, epic in library.loaded() if path not in epics]:
        for path, epic in fresh:
            epics[path] = epic
            for spec in epic.stories:
                key = f"{epic.path}::{spec.id}"
                dependencies = tuple(resolver.resolve(path, epic, spec))
                files = tuple(spec.files_affected)
                whole[key] = Story(key, spec.id, epic.path, spec.line, dependencies, files, spec.critical)
    return whole, list(epics.values())


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
    return Story(story.key, story.id, story.epic, story.line, dependencies)


def _narrowed(nodes: Sequence[str], whole: Mapping[str, Story], *, unselected_is_done: bool) -> Iterable[Story]:
    """The stories of the graph. A dependency that is not selected is replaced by what it depends on itself, so that the
    order holds across it."""
    inside = set(nodes)
    behind: dict[str, tuple[str, ...]] = {}
    for key in nodes:
        story = whole.get(key)
        if story is None:
            path, _, name = key.partition("::")
            yield Story(key, name or path, path, 1)
            continue
        dependencies: list[str] = []
        for dependency in story.dependencies:
            dependencies.extend(
                [dependency] if dependency in inside else _selected_behind(dependency, whole, inside, behind)
            )
        missing = [key for key in story.dependencies if key not in inside]
        labels = tuple(whole[key].id if key in whole and whole[key].epic == story.epic else key for key in missing)
        yield Story(
            key,
            story.id,
            story.epic,
            story.line,
            tuple(dict.fromkeys(dependencies)),
            story.files,
            story.critical,
            () if unselected_is_done else labels,
        )


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
