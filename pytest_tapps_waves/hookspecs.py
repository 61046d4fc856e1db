"""The hooks that this plugin calls. All are optional; implement them in a ``conftest.py`` or a plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .actions.base import Action
    from .collect.items import StoryItem
    from .core.conflicts import Conflict
    from .core.graph import Graph
    from .core.model import State
    from .epics.spec import StorySpec
    from .executors.base import Executor


@pytest.hookspec(firstresult=True)
def pytest_epic_waves(config: pytest.Config, graph: Graph) -> Sequence[Sequence[str]] | None:
    """Called once, after collection: answer with other waves than ``graph.waves``, as lists of node ids.

    Each story must stand in one wave, after the waves of its dependencies; anything else is a usage error.
    Under the eager schedule waves are no barriers, but say which stories are in conflict, and who goes first at a file.
    """


@pytest.hookspec(firstresult=True)
def pytest_epic_executor(config: pytest.Config, name: str) -> Executor | None:
    """Called once, before the first story runs: answer with the executor that ``--epic-executor=name`` means."""


@pytest.hookspec(firstresult=True)
def pytest_epic_action(config: pytest.Config, story: StorySpec) -> Action | None:
    """Called for each collected story: answer with its action, instead of its ``run`` or ``call``.

    Keys of the story that are not ours are in ``story.metadata``: that is where a new kind of action is found.
    """


@pytest.hookspec
def pytest_epic_conflicts(config: pytest.Config, conflicts: Sequence[Conflict]) -> None:
    """Called once, after collection, if stories of a wave affect common files, whatever is to become of them."""


@pytest.hookspec
def pytest_epic_wave_started(config: pytest.Config, number: int, stories: Sequence[str]) -> None:
    """Called when a wave starts, with its number, counted from 1, and the node ids of its stories.

    Stories that run one by one have no barriers, so this is called in concurrent runs of the waves schedule only.
    """


@pytest.hookspec
def pytest_epic_wave_finished(config: pytest.Config, number: int, stories: Sequence[str]) -> None:
    """Called when all stories of a wave have ended, before the next wave starts. Not called if the run is stopped."""


@pytest.hookspec
def pytest_epic_story_started(config: pytest.Config, story: StoryItem) -> None:
    """Called before a story is set up; not for stories that are only reported, as skipped or as in conflict."""


@pytest.hookspec
def pytest_epic_story_finished(config: pytest.Config, story: StoryItem, state: State, reason: str) -> None:
    """Called when a story that was started has ended and all its reports are out."""


@pytest.hookspec
def pytest_epic_breaker_tripped(config: pytest.Config, epic: str, stories: Sequence[str]) -> None:
    """Called when the circuit breaker of an epic (its file's node id) opens, with the stories that failed in a row."""
