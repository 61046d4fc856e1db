"""A worker's side of a run across workers: it takes orders from the controller, and carries them out one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from ..concurrent.held import HeldFixtures
from ..concurrent.setup_state import SharedSetupState
from ..concurrent.xdist import Line, worker_of
from ..core.model import State
from ..core.orders import Orders
from ..core.plan import Settled
from ..distribution import RUN, TELLS
from ..engine import Engine
from ..journal.works import Done
from ..preparation import Prepared
from ..records import Tried
from .facts import told
from .inbox import Inbox

_REASON = 2000
"""Characters of a reason that the controller is told."""


class Told:
    """What the journal would be told, said to the controller, which keeps it."""

    def __init__(self, line: Line, is_story: Callable[[str], bool]) -> None:
        self._line = line
        self._is_story = is_story
        self._reported: set[str] = set()
        self._began: dict[str, tuple[float, float]] = {}

    def begin(self, key: str) -> Settled | None:
        """The controller has noted it already."""
        self._began[key] = time.time(), time.perf_counter()
        return None

    def set_up(self, key: str) -> None:
        # Only that of one that some plugin runs again is news.
        if key in self._reported:
            self._began[key] = time.time(), time.perf_counter()
            self._say("set_up", key)

    def reported(self, key: str, state: State, reason: str, tries: Sequence[Tried]) -> None:
        self._reported.add(key)
        if not tries and key in self._began:
            # Only here it is known when it began, since it may have waited for its turn.
            started, clock = self._began[key]
            tries = [Tried(started, time.perf_counter() - clock, None, "")]
        told = [tuple(tried) for tried in tries]
        self._say("reported", key, state=state.value, reason=reason[:_REASON], tries=told)

    def settled(self, key: str, state: State, reason: str) -> None:
        """The controller is told so anyway."""
        self._began.pop(key, None)

    def process(self, key: str, pid: int) -> None:
        self._say("process", key, pid=pid)

    def did(self, key: str, summary: str, files: Sequence[str]) -> None:
        """No story across workers is isolated or done by an agent, and no other says what it did."""

    def done_by(self, keys: Iterable[str]) -> Mapping[str, Done]:
        return {}

    def _say(self, word: str, key: str, **told: Any) -> None:
        if self._is_story(key):
            self._line.say(word, key=key, **told)


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
        self._completed: Callable[[], None] | None = None
        self.records = Told(self._line, found.graph.stories.__contains__)
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

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Called when an item begins, before pytest-xdist says so."""
        if self._completed is not None and nodeid in self._index_of:
            self._line.say("began", index=self._index_of[nodeid])

    def run_one_by_one(self, break_off: Callable[[str], None]) -> None:
        """Return when the controller has nothing more to run, or the session is to stop.

        :param break_off: called, in another thread, to break off a story if it is running.
        """
        session = self._session
        hook = session.config.hook
        open_files = {story.epic for story in self._stories.values()}
        state = session._setupstate = SharedSetupState(session, session.items)
        fixtures = HeldFixtures(
            session.config, state, lambda item: item.nodeid.partition("::")[0] in open_files, captures=True
        )

        def cancel(key: str, reason: str) -> None:
            self.orders.cancelling[key] = reason
            break_off(key)

        def come() -> None:
            for key in list(self.orders.running) if inbox.closed else ():
                cancel(key, "cancelled: the run was stopped")

        inbox = Inbox(self._line, self._is_story, lambda index, why: cancel(session.items[index].nodeid, why), come)
        self._line.hear(inbox.hear)
        while not (session.shouldfail or session.shouldstop) and (order := inbox.take()) is not None:
            if isinstance(order, str):
                open_files.discard(order)
                fixtures.release_file(order)
                continue
            item = session.items[order]
            if item.nodeid in self.orders.cancelling:
                self._ended(item.nodeid, State.NOT_STARTED, "")
                self._line.completed(order, 0.0)
                continue
            fixtures.release_before(item)
            self._line.say("began", index=order)
            began = time.perf_counter()
            with fixtures.around(item):
                hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._line.completed(order, time.perf_counter() - began)
        fixtures.release_all()

    def take_orders(self, loop: asyncio.AbstractEventLoop, engine: Engine) -> None:
        """Let an engine carry out, on its loop, what the controller sends from now on."""
        orders, items = self.orders, self._session.items

        def cancel(index: int, reason: str) -> None:
            soon(lambda: orders.cancel(items[index].nodeid, reason))

        def soon(change: Callable[[], None]) -> None:
            def now() -> None:
                change()
                self._next(inbox, engine)

            with suppress(RuntimeError):  # the loop has been closed: all is over
                loop.call_soon_threadsafe(now)

        inbox = Inbox(self._line, self._is_story, cancel, lambda: soon(lambda: None))
        self._completed = lambda: self._next(inbox, engine)
        self._line.hear(inbox.hear)

    def _next(self, inbox: Inbox, engine: Engine) -> None:
        """Start what has come. What is no story runs alone, so that more than one of it would only lie about here."""
        orders, items = self.orders, self._session.items
        orders.order(items[index].nodeid for index in inbox.stories())
        if not any(key not in self._stories for key in orders.running):
            orders.order(items[index].nodeid for index in inbox.another())
        if inbox.closed and orders.running:
            engine.stop("the run was stopped")
        elif inbox.closed:
            orders.close()
        engine.decide()

    def _is_story(self, index: int) -> bool:
        return self._session.items[index].nodeid in self._stories

    def _ended(self, key: str, state: State, reason: str) -> None:
        index = self._index_of[key]
        if key in self._stories:
            self._line.say("ended", index=index, state=state.value, reason=reason[:_REASON])
        if self._completed is not None:
            # The engine has no loop of ours around it.
            self._line.completed(index, 0.0)
            self._completed()
