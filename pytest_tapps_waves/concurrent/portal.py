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
    """For pytest's own loop, which runs one item at a time: a loop that turns only while somebody waits.

    Not an :class:`asyncio.Runner`, which changes the handler of SIGINT for each story; nor is it the thread's current
    loop, which pytest-asyncio looks at.
    """

    def __init__(self) -> None:
        self._loop = new_event_loop()

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._loop.run_until_complete(self._loop.create_task(coroutine))
        except BaseException:
            # What a signal handler raises (Ctrl-C, SIGTERM, pytest-timeout) leaves the task behind, and its process.
            self._end_tasks()
            raise

    def close(self) -> None:
        self._end_tasks()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _end_tasks(self) -> None:
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop that can start processes."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()
