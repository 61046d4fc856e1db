"""The way from pytest's synchronous protocol back to the loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import greenback

_T = TypeVar("_T")


class Portal(Protocol):
    """Lets synchronous code wait for a coroutine."""

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """The coroutine's result."""
        ...


class SharedLoop:
    """For protocols that run in tasks of one loop: only the story of this task waits."""

    async def enter(self, protocol: Callable[[], _T]) -> _T:
        """Run a synchronous protocol in this task, so that :meth:`wait` works anywhere below it."""
        return await greenback.with_portal_run_sync(protocol)

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return greenback.await_(coroutine)


class OwnLoop:
    """For pytest's own loop, which runs one item at a time: a loop that turns only while somebody waits."""

    def __init__(self) -> None:
        # With a factory the runner leaves the thread's current loop alone, which pytest-asyncio looks at.
        self._runner = asyncio.Runner(loop_factory=new_event_loop)

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._runner.run(coroutine)
        except BaseException:
            # What a signal handler raises (pytest-timeout, SIGTERM) leaves the task behind, with its process running.
            self._end_tasks()
            raise

    def close(self) -> None:
        self._runner.close()

    def _end_tasks(self) -> None:
        loop = self._runner.get_loop()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop that can start processes."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()
