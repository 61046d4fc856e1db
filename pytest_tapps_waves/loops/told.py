"""What plugins are told of the stories that are run."""

from __future__ import annotations

import pytest

from ..collect.items import StoryItem
from ..core.model import State


def story_started(config: pytest.Config, item: pytest.Item) -> None:
    """Tell plugins that a story is about to be set up."""
    if isinstance(item, StoryItem) and config.hook.pytest_epic_story_started.get_hookimpls():
        config.hook.pytest_epic_story_started(config=config, story=item)


def story_finished(config: pytest.Config, item: pytest.Item, state: State, reason: str) -> None:
    """Tell plugins that a story that was started has ended."""
    if isinstance(item, StoryItem) and config.hook.pytest_epic_story_finished.get_hookimpls():
        config.hook.pytest_epic_story_finished(config=config, story=item, state=state, reason=reason)
