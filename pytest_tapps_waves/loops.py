"""The two ways through a run: pytest's own loop with a plan beside it, and all at once on one asyncio loop."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from .collect.items import StoryItem
from .concurrent.assertions import explain_assertions_of, routed_assertions
from .concurrent.async_tests import RUNNER, LoopRunner, debugs_loop, shares_process, timeout_of
from .concurrent.current import CURRENT_ITEM, RUNS_ALONE
from .concurrent.fixtures import SharedFixtures, shared_fixtures
from .concurrent.hooks import story_hooks
from .concurrent.outcomes import skipped
from .concurrent.output import own_output, routed_output, with_output
from .concurrent.portal import SharedLoop, loop_of_the_run
from .concurrent.setup_state import SharedSetupState
from .core.model import State
from .core.plan import Effect, Plan, Settled
from .engine import Engine
from .runtime import StoryRuntime

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


def raise_if_stopped(session: pytest.Session) -> None:
    """As pytest's own loop does after each item."""
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


class AllAtOnce:
    """Runs the items of the graph concurrently, as the plan allows; what cannot share the process runs alone."""

    def __init__(
        self,
        session: pytest.Session,
        plan: Plan,
        runtime: StoryRuntime,
        portal: SharedLoop,
        on_effect: OnEffect,
    ) -> None:
        self._session = session
        self._plan = plan
        self._runtime = runtime
        self._portal = portal
        self._items: Mapping[str, pytest.Item] = {}
        self._protocol: Callable[[pytest.Item], Any] | None = None
        self._setup_state: SharedSetupState | None = None
        self._engine = Engine(plan, self._perform, on_effect, self._needs_thread, self._is_test)
        self._fixtures: SharedFixtures | None = None
        self._timed_out: dict[str, float] = {}
        self._signal = ""
        self._alone = False
        runtime.cancel_reason = self._engine.cancel_reason
        self.strays = ["", ""]
        """What was written to stdout and stderr by no story in particular."""

    def run(self, items: Sequence[pytest.Item], before: Sequence[pytest.Item]) -> None:
        """Return when every item has ended.

        :param items: those of the graph.
        :param before: those that are not part of it, to be run one by one before it.
        :raises Session.Failed: or ``Session.Interrupted``, when the session was to stop and all that ran has ended.
        """
        session = self._session
        secrets = self._runtime.secrets
        self._items = {item.nodeid: item for item in items}
        self._setup_state = session._setupstate = SharedSetupState(session, [*before, *items])
        with (
            routed_output(session.config, self.strays, secrets.of_all if secrets is not None else None),
            story_hooks(session, with_output(session.config)) as self._protocol,
            routed_assertions(session.config),
            shared_fixtures(self._why_cancelled) as self._fixtures,
            _warnings_end(session),
            loop_of_the_run(debug=debugs_loop(session.config)) as runner,
            on_signal(signal.SIGTERM, partial(self._terminated, runner.get_loop())),
        ):
            loop = runner.get_loop()
            session.config.stash[RUNNER] = LoopRunner(loop, self._why_cancelled)
            try:
                self._run_before(before)
                self._run_graph(runner)
            finally:
                # Of a run that ended early; async fixtures need the loop for that.
                self._setup_state.teardown_exact(None)
                del session.config.stash[RUNNER]
                asyncio.set_event_loop(None)
        if self._signal:
            raise session.Interrupted(self._signal)
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
        try:
            while (wanted := runner.run(self._engine.until_alone(run))) is not None:
                self._run_alone(*wanted)
        except BaseException:
            run.cancel()
            runner.run(_ended(run))
            raise
        run.result()

    def _is_test(self, key: str) -> bool:
        return not isinstance(self._items[key], StoryItem)

    def _needs_thread(self, key: str) -> bool:
        return self._is_test(key) and not shares_process(self._items[key])

    def _terminated(self, loop: asyncio.AbstractEventLoop) -> None:
        self._signal = "SIGTERM"
        if self._alone:
            raise self._session.Interrupted(self._signal)
        loop.call_soon_threadsafe(self._engine.stop, self._signal)

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
        self._alone = True
        try:
            with own_output(self._session.config, self.strays):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            self._alone = False
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


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task})


@contextmanager
def _warnings_end(session: pytest.Session) -> Iterator[None]:
    """Where warnings are errors, one that belongs to no item ends the run."""
    try:
        yield
    except RuntimeWarning as warning:
        raise session.Interrupted(str(warning)) from None


def story_started(config: pytest.Config, item: pytest.Item) -> None:
    """Tell plugins that a story is about to be set up."""
    if isinstance(item, StoryItem) and config.hook.pytest_epic_story_started.get_hookimpls():
        config.hook.pytest_epic_story_started(config=config, story=item)


def story_finished(config: pytest.Config, item: pytest.Item, state: State, reason: str) -> None:
    """Tell plugins that a story that was started has ended."""
    if isinstance(item, StoryItem) and config.hook.pytest_epic_story_finished.get_hookimpls():
        config.hook.pytest_epic_story_finished(config=config, story=item, state=state, reason=reason)


@contextmanager
def on_signal(number: signal.Signals, stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in the main thread when a signal comes that would end the process, unless somebody handles it."""
    unhandled = (signal.SIG_DFL, signal.default_int_handler)
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) not in unhandled:
        yield
        return
    before = signal.signal(number, lambda number, frame: stop())
    try:
        yield
    finally:
        signal.signal(number, before)
