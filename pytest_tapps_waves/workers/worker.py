"""A worker's side of a run across workers: it takes orders from the controller, and carries them out one by one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ..concurrent.held import HeldFixtures
from ..concurrent.xdist import Line, worker_of
from ..core.model import State
from ..core.orders import Orders
from ..core.plan import Settled
from ..distribution import RUN, TELLS
from ..preparation import Prepared
from ..records import Tried
from .facts import told

_REASON = 2000
"""Characters of a reason that the controller is told."""


class Told:
    """What the journal would be told, said to the controller, which keeps it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def begin(self, key: str) -> Settled | None:
        """The controller has noted it already."""

    def set_up(self, key: str) -> None:
        self._line.say("set_up", key=key)

    def reported(self, key: str, state: State, reason: str, tries: Sequence[Tried]) -> None:
        told = [tuple(tried) for tried in tries]
        self._line.say("reported", key=key, state=state.value, reason=reason[:_REASON], tries=told)

    def settled(self, key: str, state: State, reason: str) -> None:
        self._line.say("settled", key=key, state=state.value, reason=reason[:_REASON])

    def process(self, key: str, pid: int) -> None:
        self._line.say("process", key=key, pid=pid)


class Inbox:
    """What the controller sends, until the worker gets round to it. Stories come before all else."""

    def __init__(self, line: Line, is_story: Callable[[int], bool], cancel: Callable[[int, str], None]) -> None:
        """:param cancel: called, in another thread, to break off a story."""
        self._line = line
        self._is_story = is_story
        self._cancel = cancel
        self._changed = threading.Condition()
        self._stories: deque[int] = deque()
        self._others: deque[int] = deque()
        self._over: deque[str] = deque()
        self._closed = False

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
                self._closed = True
            self._changed.notify()

    def take(self) -> int | str | None:
        """Wait for what to do next: an item to run, a file of which no more stories come, or None: nothing more."""
        with self._changed:
            while not (self._closed or self._over or self._stories or self._others):
                self._changed.wait()
            if self._closed:
                return None
            return self._over.popleft() if self._over else (self._stories or self._others).popleft()

    def _give_back(self, indices: Sequence[int]) -> None:
        """All or nothing, as pytest-xdist has it."""
        asked = set(indices)
        given = list(indices) if asked <= set(self._others) else []
        if given:
            self._others = deque(index for index in self._others if index not in asked)
        self._line.given_back(given)


class Worker:
    """One of the workers across which stories run."""

    def __init__(self, session: pytest.Session, found: Prepared) -> None:
        worker = worker_of(session.config)
        assert worker is not None
        self._session = session
        self._line = Line(worker)
        self._index_of = {item.nodeid: index for index, item in enumerate(session.items)}
        self._input: Mapping[str, Any] = session.config.workerinput  # type: ignore[attr-defined]
        self.run_id: str = self._input[RUN]
        """That of the whole run."""
        self.records = Told(self._line)
        self.orders = Orders(found.graph, self._ended)
        self._stories = found.graph.stories

    def report_collection(self, found: Prepared) -> None:
        """Tell the controller what has been prepared, if this is the worker that does. Before it hears of the items."""
        if self._input[TELLS]:
            self._line.say("plan", text=told(self._session, found))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each report of each item, before pytest-xdist sends it."""
        if report.nodeid in self._index_of:
            self._line.reports_of(self._index_of[report.nodeid])

    def run_one_by_one(self, cancel: Callable[[str], None]) -> None:
        """Return when the controller has nothing more to run, or the session is to stop.

        :param cancel: called, in another thread, to break off a story if it is running.
        """
        session = self._session
        hook = session.config.hook
        stories = self._stories.values()
        open_files = {story.epic for story in stories}
        fixtures = HeldFixtures(session, lambda item: item.nodeid.partition("::")[0] in open_files)

        def cancel_at(index: int, reason: str) -> None:
            key = session.items[index].nodeid
            self.orders.cancelling[key] = reason
            cancel(key)

        inbox = Inbox(self._line, self._is_story, cancel_at)
        self._line.hear(inbox.hear)
        while not (session.shouldfail or session.shouldstop) and (order := inbox.take()) is not None:
            if isinstance(order, str):
                open_files.discard(order)
                fixtures.release_file(order)
                continue
            item = session.items[order]
            fixtures.release_before(item)
            self._line.say("began", index=order)
            began = time.perf_counter()
            with fixtures.around(item):
                hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._line.completed(order, time.perf_counter() - began)
        fixtures.release_all()

    def _is_story(self, index: int) -> bool:
        return self._session.items[index].nodeid in self._stories

    def _ended(self, key: str, state: State, reason: str) -> None:
        if key in self._stories:
            self._line.say("ended", index=self._index_of[key], state=state.value, reason=reason[:_REASON])
