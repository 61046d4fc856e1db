"""All at once on one asyncio loop."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence, Set
from functools import partial
from typing import Any, TypeVar

import pytest

from ..collect.items import StoryItem
from ..concurrent.assertions import explain_assertions_of, routed_assertions
from ..concurrent.async_tests import RUNNER, LoopRunner, debugs_loop, shares_process, timeout_of
from ..concurrent.current import CURRENT_ITEM, RUNS_ALONE
from ..concurrent.fixtures import SharedFixtures, shared_fixtures
from ..concurrent.held import HeldFixtures
from ..concurrent.hooks import story_hooks
from ..concurrent.lean import quiet_files
from ..concurrent.outcomes import skipped
from ..concurrent.output import own_output, routed_output, with_output
from ..concurrent.outside import waiting_task
from ..concurrent.portal import SharedLoop, loop_of_the_run, on_signal
from ..concurrent.setup_state import SharedSetupState
from ..core.model import State
from ..core.plan import Effect, Plan, Settled
from ..engine import Engine
from ..reports.terminal import announce_stop
from ..runtime import StoryRuntime
from .surroundings import collections_as_rare, keep_width, warnings_end
from .told import story_finished, story_started

OnEffect = Callable[[Effect], None]

_T = TypeVar("_T")


class AllAtOnce:
    """Runs the items of the graph concurrently, as the plan allows; what cannot share the process runs alone."""

    def __init__(
        self,
        session: pytest.Session,
        plan: Plan,
        runtime: StoryRuntime,
        portal: SharedLoop,
        on_effect: OnEffect,
        limit: int,
        begun: Callable[[asyncio.AbstractEventLoop, Engine], None] | None = None,
    ) -> None:
        """
        :param limit: so many items run at once, at most.
        :param begun: if the plan is told from elsewhere what to start, called once it may be.
        """
        self._session = session
        self._limit = limit
        self._begun = begun
        self._plan = plan
        self._runtime = runtime
        self._portal = portal
        self._items: Mapping[str, pytest.Item] = {}
        self._protocol: Callable[[pytest.Item], Any] | None = None
        self._setup_state: SharedSetupState | None = None
        self._engine = Engine(plan, self._perform, on_effect, self._needs_thread, self._is_test)
        self._fixtures: SharedFixtures | None = None
        self._timed_out: dict[str, float] = {}
        self._stopping: BaseException | None = None
        self._turning = False
        runtime.cancel_reason = self._engine.cancel_reason
        self.durations: Mapping[str, float] = self._engine.durations
        """How long each story took that was run, in seconds."""
        self.strays = ["", ""]
        """What was written to stdout and stderr by no story in particular."""

    @property
    def took(self) -> float:
        """Seconds from when the first story began to when the last one ended."""
        return self._engine.took

    def run(self, items: Sequence[pytest.Item], before: Sequence[pytest.Item]) -> None:
        """Return when every item has ended.

        :param items: those of the graph.
        :param before: those that are not part of it, to be run one by one before it.
        :raises Session.Failed: or ``Session.Interrupted``, when the session was to stop and all that ran has ended.
        """
        session = self._session
        keep_width(session.config)
        secrets = self._runtime.secrets
        self._items = {item.nodeid: item for item in items}
        epics = {item.parent for item in items if isinstance(item, StoryItem)}
        quiet: Set[pytest.Collector] = quiet_files(session.config, epics)
        self._setup_state = session._setupstate = SharedSetupState(session, [*before, *items])
        with (
            routed_output(session.config, self.strays, secrets.of_all if secrets is not None else None),
            story_hooks(session, with_output(session.config), quiet) as self._protocol,
            routed_assertions(session.config),
            shared_fixtures(self._why_cancelled) as self._fixtures,
            warnings_end(session),
            collections_as_rare(self._limit),
            loop_of_the_run(debug=debugs_loop(session.config)) as runner,
            on_signal(signal.SIGINT, lambda: self._signalled(runner.get_loop(), KeyboardInterrupt(), "interrupted")),
            on_signal(
                signal.SIGTERM, lambda: self._signalled(runner.get_loop(), session.Interrupted("SIGTERM"), "SIGTERM")
            ),
        ):
            loop = runner.get_loop()
            session.config.stash[RUNNER] = LoopRunner(loop, self._why_cancelled)
            try:
                self._run_before(before)
                self._run_graph(runner)
                if self._begun is not None:
                    # Nobody knew which item of this process is the last.
                    HeldFixtures(session.config, self._setup_state, captures=False).release_all()
            finally:
                # Of a run that ended early; async fixtures need the loop for that.
                self._setup_state.teardown_exact(None)
                del session.config.stash[RUNNER]
                asyncio.set_event_loop(None)
        if self._stopping is not None:
            raise self._stopping
        raise_if_stopped(session)

    def _run_before(self, items: Sequence[pytest.Item]) -> None:
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            self._protocol_alone(item, following)
            assert self._setup_state is not None
            self._setup_state.ended(item)
            raise_if_stopped(self._session)

    def _run_graph(self, runner: asyncio.Runner) -> None:
        run = runner.get_loop().create_task(self._engine.run())
        if self._begun is not None:
            self._begun(runner.get_loop(), self._engine)
        try:
            while (wanted := self._turn(runner, self._engine.until_alone(run))) is not None:
                self._run_alone(*wanted)
        except BaseException:
            run.cancel()
            self._turn(runner, asyncio.wait({run}))
            if not run.cancelled():
                run.exception()  # retrieved, though another one is raised
            raise
        run.result()

    def _turn(self, runner: asyncio.Runner, coroutine: Coroutine[Any, Any, _T]) -> _T:
        self._turning = True
        try:
            return runner.run(coroutine)
        finally:
            self._turning = False

    def _is_test(self, key: str) -> bool:
        return is_test(self._items[key])

    def _needs_thread(self, key: str) -> bool:
        return key not in self._plan.graph.stories or needs_thread(self._items[key])

    def _signalled(self, loop: asyncio.AbstractEventLoop, error: BaseException, reason: str) -> None:
        """Called by a signal handler. The first signal stops the run in order, one more at once."""
        again = self._stopping is not None
        self._stopping = self._stopping or error
        if not self._turning:
            raise error
        if not again:
            loop.call_soon_threadsafe(self._stop, reason)
            return
        loop.call_soon_threadsafe(self._engine.hurry)
        if waiting_task() is not None:
            # The loop stands still, in a fixture that is not async.
            raise error

    def _stop(self, reason: str) -> None:
        announce_stop(self._session.config)
        self._engine.stop(reason)

    def _run_alone(self, key: str, verdict: Settled | None) -> None:
        """Run an item of the graph in this thread, while the loop stands still."""
        began = time.monotonic()
        item = self._items[key]
        state, reason = State.CANCELLED, "cancelled: interrupted"
        try:
            if verdict is None:
                self._runtime.begin(item)
            self._protocol_alone(item, None)
            state, reason = self._ended(item)
            # Before the plan settles what depends on the item: once the run is to stop, that has no report.
            self._stop_if_wanted()
        finally:
            if state is State.CANCELLED:
                self._runtime.interrupted(item)
            self._engine.ended_alone(key, verdict, state, reason, time.monotonic() - began)

    def _protocol_alone(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Run an item as pytest's own loop does, with pytest's own hooks and capture, and the fixtures of all."""
        assert self._fixtures is not None
        if isinstance(item, pytest.Function):
            self._fixtures.give_alone(item)
        token, alone_token = CURRENT_ITEM.set(item), RUNS_ALONE.set(True)
        try:
            with own_output(self._session.config, self.strays):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            CURRENT_ITEM.reset(token)
            RUNS_ALONE.reset(alone_token)

    async def _perform(self, key: str, verdict: Settled | None) -> tuple[State, str]:
        item = self._items[key]
        seconds = timeout_of(item) if self._is_test(key) else None
        if seconds is None:
            return await self._portal.enter(partial(self._run_item, item, verdict))
        alarm = asyncio.get_running_loop().call_later(seconds, self._time_out, asyncio.current_task(), key, seconds)
        try:
            return await self._portal.enter(partial(self._run_item, item, verdict))
        finally:
            alarm.cancel()

    def _time_out(self, task: asyncio.Task[Any] | None, key: str, seconds: float) -> None:
        self._timed_out[key] = seconds
        if task is not None:
            task.cancel()

    def _why_cancelled(self, key: str) -> BaseException:
        if key in self._timed_out:
            return pytest.fail.Exception(f"Timeout (>{self._timed_out.pop(key):g}s) from pytest-timeout", pytrace=False)
        return skipped(self._engine.cancel_reason(key))

    def _run_item(self, item: pytest.Item, verdict: Settled | None) -> tuple[State, str]:
        assert self._protocol is not None
        config = self._session.config
        CURRENT_ITEM.set(item)
        decided = verdict
        if verdict is not None:
            self._runtime.verdicts[item.nodeid] = verdict
        else:
            decided = self._runtime.begin(item)
        if decided is None:
            story_started(config, item)
        if isinstance(item, StoryItem):
            self._protocol(item)
        else:
            assert self._fixtures is not None
            take_back = self._fixtures.give(item)
            explain_assertions_of(item)
            self._protocol(item)
            take_back()
        state, reason = self._ended(item, self._engine.cancel_reason(item.nodeid))
        if decided is None:
            story_finished(config, item, state, reason)
        self._stop_if_wanted()
        return state, reason

    def _ended(self, item: pytest.Item, cancelled: str = "") -> tuple[State, str]:
        assert self._setup_state is not None
        self._setup_state.ended(item)
        return self._runtime.end(item, cancelled)

    def _stop_if_wanted(self) -> None:
        if stop := self._session.shouldfail or self._session.shouldstop:
            self._engine.stop(str(stop))


def is_test(item: pytest.Item) -> bool:
    """Whether an item of the graph is a Python test."""
    return not isinstance(item, StoryItem)


def needs_thread(item: pytest.Item) -> bool:
    """Whether an item of the graph runs alone."""
    return is_test(item) and not shares_process(item)


def raise_if_stopped(session: pytest.Session) -> None:
    """As pytest's own loop does after each item."""
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)
