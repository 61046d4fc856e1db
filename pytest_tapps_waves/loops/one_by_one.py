"""pytest's own loop, with a plan beside it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ..collect.items import StoryItem
from ..concurrent.lean import lean_hooks_of
from ..core.model import State
from ..core.plan import Effect, Plan
from ..runtime import StoryRuntime
from .told import story_finished, story_started

OnEffect = Callable[[Effect], None]


class OneByOne:
    """Keeps the plan beside pytest's own loop, which runs the items in dependency order."""

    def __init__(self, config: pytest.Config, plan: Plan, runtime: StoryRuntime, on_effect: OnEffect) -> None:
        self._config = config
        self._plan = plan
        self._runtime = runtime
        self._on_effect = on_effect

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Called by pytest around each item."""
        key = item.nodeid
        state = self._plan.states.get(key)
        runs = state is not None and not state.final
        decided = None
        if runs:
            self._plan.start(key)
            decided = self._runtime.begin(item)
        if runs and decided is None:
            story_started(self._config, item)
        try:
            result = yield
        except BaseException:
            # An interrupt, or pytest.exit(): the run is over.
            self._plan.stop("interrupted")
            if runs:
                self._runtime.interrupted(item)
                self._plan.end(key, State.CANCELLED, "cancelled: interrupted")
            raise
        if state is not None:
            end = self._runtime.end(item)
        if runs:
            self._plan.end(key, *end)
            if decided is None:
                story_finished(self._config, item, *end)
            for effect in self._plan.effects():
                self._on_effect(effect)
        return result


@contextmanager
def with_lean_hooks(session: pytest.Session) -> Iterator[None]:
    """While this holds, stories of epics have no more of pytest's hooks than they need."""
    relays = lean_hooks_of(session, {item.parent for item in session.items if isinstance(item, StoryItem)})
    for file, relay in relays.items():
        file.hooks_of_stories = relay
    try:
        yield
    finally:
        for file in relays:
            file.hooks_of_stories = None
