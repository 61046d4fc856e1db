"""The stories of a run that do not work in the user's own tree, and where they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

import pytest

from .attempts import Enter
from .collect.items import StoryItem
from .core.graph import Graph, Waves
from .errors import WorkspaceError
from .journal.places import Places
from .settings import EpicSettings, Settings
from .workspaces.base import Claim, Workspace, Workspaces


def open_isolation(
    session: pytest.Session,
    settings: Settings,
    epics: Mapping[str, EpicSettings],
    graph: Graph,
    waves: Waves,
    places: Places | None,
    run: str,
) -> Isolation | None:
    """The isolation of a run that begins; None if all of its stories work in the user's tree.

    :param epics: by the node ids of their files.
    :param places: what is remembered of places across runs; None without a journal.
    :param run: its id.
    :raises pytest.UsageError: if stories cannot be isolated here.
    """
    isolated = {path for path, epic in epics.items() if epic.isolation == "worktree"}
    items = [
        item
        for item in session.items
        if isinstance(item, StoryItem) and item.epic.path in isolated and not item.is_documentation
    ]
    if not items:
        return None
    if places is None:
        raise pytest.UsageError(
            "stories in worktrees need the journal, which remembers where those are: they need pytest's cache, and a "
            "cache directory that can be written to; or choose --epic-isolation=none"
        )
    # Imported where it is needed: most runs have no worktrees.
    from .workspaces.worktree import Worktrees

    rootdir = session.config.rootpath
    worktrees = Worktrees(rootdir, places, run, settings.worktrees, [rootdir / path for path in epics])
    try:
        worktrees.prepare({item.epic.path: item.epic.header.id for item in items}, resume=settings.resume)
    except WorkspaceError as error:
        raise pytest.UsageError(str(error)) from None
    return Isolation(worktrees, epics, graph, waves, {item.epic.path for item in items})


class Isolation:
    """Makes workspaces for the stories that have their own."""

    def __init__(
        self,
        workspaces: Workspaces,
        epics: Mapping[str, EpicSettings],
        graph: Graph,
        waves: Waves,
        isolated: Set[str],
    ) -> None:
        """:param isolated: the node ids of the files whose stories have workspaces."""
        self._workspaces = workspaces
        self._rules = {path: epic.rules.on_conflict for path, epic in epics.items()}
        self._places = _places(waves)
        self._upstream = {key: frozenset(others & isolated) for key, others in _upstream(graph, waves)}

    def enter_for(self, item: StoryItem) -> Enter:
        """What makes the workspace of an attempt at a story."""
        spec, epic = item.spec, item.epic
        claim = Claim(
            item.nodeid,
            spec.id,
            spec.title,
            epic.path,
            epic.header.id,
            spec.cwd,
            spec.files_affected,
            self._rules[epic.path],
            self._places[item.nodeid],
            self._upstream[item.nodeid],
        )

        async def enter(attempt: int) -> Workspace:
            return await self._workspaces.enter(claim, attempt)

        return enter

    def told(self) -> list[str]:
        """What users should know once the run is over."""
        return self._workspaces.told()


def _places(waves: Waves) -> Mapping[str, int]:
    return {key: place for place, key in enumerate(key for wave in waves for key in wave)}


def _upstream(graph: Graph, waves: Waves) -> Iterator[tuple[str, set[str]]]:
    """Of each story the files of the other epics that it depends on, directly or through others."""
    of_story: dict[str, set[str]] = {}
    for key in (key for wave in waves for key in wave):
        story = graph.stories[key]
        others: set[str] = set()
        for other in story.stands_on:
            others |= of_story.get(other, set())
            others.add(other.partition("::")[0])
        of_story[key] = others
        yield key, others - {story.epic}
