"""The way from pytest's synchronous protocol back to the loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
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
        self._waiting: asyncio.Task[Any] | None = None
        self._interrupt: BaseException | None = None

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        task: asyncio.Task[_T] = self._loop.create_task(coroutine)
        self._waiting = task
        try:
            result = self._loop.run_until_complete(task)
            if self._interrupt is not None:
                raise self._interrupt
            return result
        except BaseException:
            # What a signal handler raises (pytest-timeout, a second Ctrl-C) leaves the task behind, and its process. It
            # comes before tasks of its own, such as one that starts a process: it alone knows how to end that.
            self._end([task])
            self._end(asyncio.all_tasks(self._loop))
            if self._interrupt is not None:
                raise self._interrupt from None
            raise
        finally:
            self._waiting = None

    def interrupt(self, error: BaseException) -> None:
        """Called by a signal handler: end what is waited for, and raise ``error`` from there; at once the second time.

        An exception out of the handler itself could come while a process is being started, and lose it.
        """
        if self._waiting is None or self._interrupt is not None:
            raise error
        self._interrupt = error
        self._loop.call_soon_threadsafe(self._waiting.cancel)

    def close(self) -> None:
        self._end(asyncio.all_tasks(self._loop))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _end(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop that can start processes."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()
