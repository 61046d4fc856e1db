"""What the controller has sent to a worker, until the worker gets round to it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..concurrent.xdist import Line


class Inbox:
    """What the controller sends, until the worker gets round to it. Stories come before all else."""

    def __init__(
        self,
        line: Line,
        is_story: Callable[[int], bool],
        cancel: Callable[[int, str], None],
        come: Callable[[], None] = lambda: None,
    ) -> None:
        """
        :param cancel: called, in another thread, to break off a story.
        :param come: called, in another thread, when something has come.
        """
        self._line = line
        self._is_story = is_story
        self._cancel = cancel
        self._come = come
        self._changed = threading.Condition()
        self._stories: deque[int] = deque()
        self._others: deque[int] = deque()
        self._over: deque[str] = deque()
        self.closed = False
        """Whether nothing more is to begin."""

    def hear(self, word: str, told: Mapping[str, Any]) -> None:
        """Called in another thread."""
        if word == "cancel":
            self._cancel(told["index"], told["reason"])
            return
        with self._changed:
            if word == "runtests":
                for index in told["indices"]:
                    (self._stories if self._is_story(index) else self._others).append(index)
            elif word == "steal":
                self._give_back(told["indices"])
            elif word == "over":
                self._over.append(told["file"])
            elif word == "shutdown":
                # What is still here must not run: somebody gave -x, or there is nothing.
                self.closed = True
            self._changed.notify()
        self._come()

    def take(self) -> int | str | None:
        """Wait for what to do next: an item to run, a file of which no more stories come, or None: nothing more."""
        with self._changed:
            while not (self.closed or self._over or self._stories or self._others):
                self._changed.wait()
            if self.closed:
                return None
            return self._over.popleft() if self._over else (self._stories or self._others).popleft()

    def stories(self) -> list[int]:
        """Those that have come since the last time."""
        with self._changed:
            come = list(self._stories) if not self.closed else []
            self._stories.clear()
            return come

    def another(self) -> list[int]:
        """One item that is no story, if there is one."""
        with self._changed:
            return [self._others.popleft()] if self._others and not self.closed else []

    def _give_back(self, indices: Sequence[int]) -> None:
        """All or nothing, as pytest-xdist has it."""
        asked = set(indices)
        given = list(indices) if asked <= {*self._stories, *self._others} else []
        if given:
            self._stories = deque(index for index in self._stories if index not in asked)
            self._others = deque(index for index in self._others if index not in asked)
        self._line.given_back(given)
