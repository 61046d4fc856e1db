"""pytest-asyncio's tests and fixtures on the loop of a concurrent run."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from functools import partial
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio.plugin

# Tested with pytest-asyncio 1.3 and 1.5: the fixtures `_{scope}_scoped_runner` through which it runs coroutines, the
# classes of its items, and `_asyncio_loop_factory`. Noticed by tests/test_private_api.py.
from pytest_asyncio.plugin import AsyncGenerator, AsyncHypothesisTest, PytestAsyncioFunction

from ..actions.output import CURRENT_OUTPUT
from .current import CURRENT_ITEM
from .fixtures import PROCESS_WIDE
from .outside import run_outside, waiting_task

RUNNER = pytest.StashKey["LoopRunner"]()
"""Set on the config while stories run at once."""

_SCOPES = ("function", "class", "module", "package", "session")


def is_async_test(item: pytest.Item) -> bool:
    """Whether pytest-asyncio runs the item."""
    return isinstance(item, PytestAsyncioFunction)


def shares_process(item: pytest.Item) -> bool:
    """Whether an item can run beside others: an async test that neither changes nor watches the whole process.

    Nor may it use a parameter of a wider fixture: two of those never live together.
    """
    if not isinstance(item, PytestAsyncioFunction) or isinstance(item, (AsyncGenerator, AsyncHypothesisTest)):
        return False
    if not PROCESS_WIDE.isdisjoint(item.fixturenames) or item.get_closest_marker("filterwarnings"):
        return False
    callspec = getattr(item, "callspec", None)
    if callspec is not None and any(scope.value != "function" for scope in callspec._arg2scope.values()):
        return False
    return not _needs_own_loop(item)


def _needs_own_loop(item: Any) -> bool:
    """Whether a loop is to be made for the test by a policy or a factory of the user's."""
    policies = item._fixtureinfo.name2fixturedefs.get("event_loop_policy", ())
    factories = getattr(item.config.hook, "pytest_asyncio_loop_factories", None)  # newer than 1.3
    return len(policies) > 1 or (factories is not None and bool(factories.get_hookimpls()))


def debugs_loop(config: pytest.Config) -> bool:
    """Whether pytest-asyncio is to put its loops in debug mode."""
    if not config.pluginmanager.is_registered(pytest_asyncio.plugin):  # -p no:asyncio
        return False
    return str(config.getoption("asyncio_debug", None) or config.getini("asyncio_debug")).lower() == "true"


def timeout_of(item: pytest.Item) -> float | None:
    """Seconds that pytest-timeout gives the test, if it does: its own alarm is one for the whole process."""
    # Tested with pytest-timeout 2.4: its mark, and the value of --timeout, PYTEST_TIMEOUT or its ini option.
    mark = item.get_closest_marker("timeout")
    if not hasattr(item.config, "_env_timeout"):
        return None
    given = (mark.args[0] if mark.args else mark.kwargs.get("timeout")) if mark is not None else None
    seconds = given if given is not None else item.config._env_timeout
    return float(seconds) if seconds else None


class LoopRunner:
    """Stands in for the :class:`asyncio.Runner` of pytest-asyncio."""

    def __init__(self, loop: asyncio.AbstractEventLoop, why_cancelled: Callable[[str], BaseException]) -> None:
        """:param why_cancelled: what to raise in the test of a node id that found itself cancelled."""
        self._loop = loop
        self._why_cancelled = why_cancelled

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def run(self, coroutine: Coroutine[Any, Any, Any], *, context: contextvars.Context | None = None) -> Any:
        """Run a coroutine in a task of the shared loop, in ``context``, and wait for it: alone, by turning the loop."""
        __tracebackhide__ = True
        waiting = waiting_task()
        if waiting is None and self._loop.is_running():
            coroutine.close()
            raise RuntimeError("an async test cannot wait for this: it is in a running event loop")
        context = context or contextvars.copy_context()
        # A fixture's context is that of the test that set it up; what it prints at its end belongs to the last one.
        context.run(CURRENT_OUTPUT.set, CURRENT_OUTPUT.get())
        context.run(CURRENT_ITEM.set, CURRENT_ITEM.get())
        if waiting is not None:
            return self._run_outside(waiting, coroutine, context)
        task = self._loop.create_task(coroutine, context=context)
        try:
            return self._loop.run_until_complete(task)
        except BaseException:
            if not task.done():
                task.cancel()
                self._loop.run_until_complete(asyncio.wait({task}))
            raise

    def _run_outside(
        self, waiting: asyncio.Task[Any], coroutine: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> Any:
        __tracebackhide__ = True
        result, error = run_outside(coroutine, context)
        if waiting.cancelling():
            while waiting.uncancel():
                pass
            item = CURRENT_ITEM.get()
            raise self._why_cancelled(item.nodeid if item is not None else "")
        if error is None:
            return result
        try:
            # From here it has no frames of the way through the loop.
            raise error
        finally:
            # It holds this frame.
            del error


def _runner_fixture(scope: Any) -> Any:
    name = f"_{scope}_scoped_runner"

    @pytest.fixture(scope=scope, name=name)
    def runner(request: Any) -> Any:
        shared = request.config.stash.get(RUNNER, None)
        item = CURRENT_ITEM.get()
        if shared is None or (item is not None and _needs_own_loop(item)):
            theirs = request._get_active_fixturedef(name)
            # Theirs ends early when another factory's loop is wanted; ours, which holds its value, ends with it.
            theirs.addfinalizer(partial(request._fixturedef.finish, request=request))
            return request.getfixturevalue(name)
        # As theirs does. What runs alone, and asyncio.run(), leave another or none behind.
        asyncio.set_event_loop(shared.get_loop())
        return shared

    return runner


def runner_fixtures() -> ModuleType:
    """A plugin that puts :class:`LoopRunner` in the place of pytest-asyncio's runners, while one is there.

    A module, since fixtures that are attributes of an object would be called with it.
    """
    plugin = ModuleType("epic_runners")
    for scope in _SCOPES:
        setattr(plugin, f"{scope}_scoped_runner", _runner_fixture(scope))
    return plugin
