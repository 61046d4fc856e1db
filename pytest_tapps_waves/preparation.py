"""From collected items to all that is known of the run before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .collect.assembly import assemble, dependencies_of
from .collect.depends import MARK, ItemNode, read_marks
from .collect.files import PresentFiles
from .collect.idle import does_nothing
from .collect.items import StoryItem
from .collect.library import library_of
from .concurrent.async_tests import is_async_test
from .concurrent.xdist import is_xdist_worker
from .core.conflicts import Conflict, find_conflicts
from .core.graph import Graph, Waves
from .core.model import EpicRules
from .core.order import Place, arranged
from .core.policies.base import Turns
from .distribution import worker_problems
from .epics.pause import collector_paused
from .errors import Problem, WavesError
from .settings import EpicSettings, Settings

if TYPE_CHECKING:
    from .actions.secrets import Secrets
    from .collect.selection import Selection
    from .epics.spec import EpicDefinition


class Prepared(NamedTuple):
    """The run before it begins."""

    graph: Graph
    waves: Waves
    conflicts: Sequence[Conflict]
    turns: Callable[[], Turns]
    """Finds out who has to wait for a file where there are no barriers, once."""
    epics: Mapping[str, EpicSettings]
    """By the node ids of their files."""
    schedule: str
    limit: int
    concurrent: bool
    titles: Mapping[str, str]
    """Of the stories that have one, by key."""
    epic_titles: Mapping[str, str]
    """By the node ids of the epics' files."""
    secrets: Secrets | None
    """Those of its epics, if they have any."""

    def mask(self, text: str) -> str:
        """A text without the secrets of any epic."""
        return text if self.secrets is None else self.secrets.of_all.text(text)


def read_tests(items: Iterable[pytest.Item], problems: list[Problem], *, async_tests: bool) -> list[ItemNode]:
    """The items as the graph sees them; wrong marks are added to ``problems``.

    :param async_tests: whether all async tests are part of the graph, and not only those that are marked.
    """
    return [
        ItemNode(item.nodeid, item.spec.line, is_documentation=item.is_documentation)
        if isinstance(item, StoryItem)
        else read_marks(item, problems, joins=is_async_test(item) and (async_tests or _is_marked(item)))
        for item in items
    ]


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker(MARK) is not None


def bring_dependencies(
    config: pytest.Config,
    selection: Selection,
    collected: Sequence[pytest.Item],
    items: list[pytest.Item],
    tests: Sequence[ItemNode],
) -> None:
    """Add to the selected ``items`` what they depend on.

    :param collected: all items there are.
    :param tests: the same, as the graph sees them.
    """
    needed = dependencies_of([item.nodeid for item in items], library_of(config), config.rootpath, tests)
    selection.bring(collected, items, needed.keys)
    selection.report_withheld({key.partition("::")[0] for key in needed.keys}, all_failures=not needed.all_found)


@collector_paused()
def prepare(
    session: pytest.Session,
    settings: Settings,
    items: list[pytest.Item],
    tests: Sequence[ItemNode],
    problems: Sequence[Problem],
) -> Prepared:
    """Make the graph, report what is wrong with it, and put ``items`` in the order in which they run.

    :param items: what is selected; changed in place.
    :param tests: all that was collected.
    :param problems: mistakes found so far.
    :raises pytest.UsageError: if hooks or epics contradict one another.
    """
    config = session.config
    only_failed = bool(config.getoption("lf", False) and config.cache.get("cache/lastfailed", {}))
    unique = {item.nodeid: item for item in items}
    assembled_of = partial(
        assemble,
        library_of(config),
        config.rootpath,
        selected=list(unique),
        tests=tests,
        all_tests_known=not only_failed and not any("::" in argument for argument in config.args),
        unselected_is_done=only_failed,
        # With a hook of somebody's own its other keys may be an action.
        does_nothing=lambda header, spec: (
            not config.hook.pytest_epic_action.get_hookimpls() and does_nothing(spec, settings.for_epic(header))
        ),
    )
    assembled = assembled_of(known=problems)
    epics = {path: settings.for_epic(epic.header) for path, epic in assembled.epics.items()}
    found = list(assembled.problems)
    if settings.with_dependencies:
        # Files that were looked through for dependencies only may be wrong.
        in_run = {key.partition("::")[0] for key in unique}
        found = [problem for problem in found if problem.path in in_run]
    if is_xdist_worker(config) and (refused := worker_problems(config, settings, assembled, epics)):
        found += refused
        assembled = assembled_of(known=[*problems, *refused])
        epics = {path: epic for path, epic in epics.items() if path in assembled.epics}
    _report_problems(session, items, found)
    graph = assembled.graph
    waves = _waves(config, graph)
    rules = {path: epic.rules for path, epic in epics.items()}
    present = PresentFiles(config.rootpath)
    conflicts = find_conflicts(graph, waves, rules, present.is_directory, present.in_common)
    if conflicts:
        config.hook.pytest_epic_conflicts(config=config, conflicts=conflicts)
    concurrent = bool(graph.stories) and settings.is_concurrent(list(epics.values()))
    items[:] = _ordered(items, graph, waves, concurrent=concurrent)
    return Prepared(
        graph,
        waves,
        conflicts,
        cache(partial(_turns, graph, waves, rules, present.is_directory)),
        epics,
        settings.schedule_of([epic.header for epic in assembled.epics.values()]),
        settings.limit_of(list(epics.values())),
        concurrent,
        {item.nodeid: item.spec.title for item in items if isinstance(item, StoryItem)},
        {path: epic.header.title for path, epic in assembled.epics.items()},
        _secrets(assembled.epics.values()),
    )


def _secrets(epics: Iterable[EpicDefinition]) -> Secrets | None:
    if not (secretive := [epic for epic in epics if epic.header.secrets]):
        return None
    # Imported where it is needed: most runs have no secrets.
    from .actions.secrets import Secrets

    return Secrets(secretive)


def _waves(config: pytest.Config, graph: Graph) -> Waves:
    given = config.hook.pytest_epic_waves(config=config, graph=graph)
    try:
        return graph.waves if given is None else graph.regrouped(given)
    except WavesError as error:
        raise pytest.UsageError(f"the hook pytest_epic_waves gave wrong waves: {error}") from None


def _turns(graph: Graph, waves: Waves, rules: Mapping[str, EpicRules], is_directory: Callable[[str], bool]) -> Turns:
    # Imported once it is asked for: most runs have barriers.
    from .core.turns import find_turns

    return find_turns(graph, waves, rules, is_directory)


def _report_problems(session: pytest.Session, items: list[pytest.Item], problems: Sequence[Problem]) -> None:
    """Report what is wrong between files as errors of their collection, and leave their items out."""
    by_file: dict[str, list[Problem]] = {}
    for problem in sorted(set(problems)):
        by_file.setdefault(problem.path, []).append(problem)
    for path, found in by_file.items():
        text = "\n".join(map(str, found))
        report = pytest.CollectReport(nodeid=path, outcome="failed", longrepr=text, result=[])
        session.config.hook.pytest_collectreport(report=report)
    if by_file:
        items[:] = [item for item in items if item.nodeid.partition("::")[0] not in by_file]


def _ordered(items: Sequence[pytest.Item], graph: Graph, waves: Waves, *, concurrent: bool) -> list[pytest.Item]:
    """The items in the order in which they run, each once."""
    unique = {item.nodeid: item for item in items}
    if concurrent:
        others = [item for key, item in unique.items() if key not in graph.stories]
        return [*others, *(unique[key] for wave in waves for key in wave)]
    dependencies = {key: story.dependencies for key, story in graph.stories.items()}
    return [unique[key] for key in arranged(list(unique), dependencies, lambda key: _place(unique[key]))]


def _place(item: pytest.Item) -> Place:
    """Whose fixtures it shares with its neighbours. A story of an epic shares none, and may be moved by itself."""
    return tuple([node.nodeid for node in item.listchain() if isinstance(node, (pytest.Module, pytest.Class))])
